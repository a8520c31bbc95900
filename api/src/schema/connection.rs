//! Relay connections: pages of a list with their cursors.

use std::sync::Arc;

use async_graphql::{Enum, SimpleObject};
use futures_util::future::BoxFuture;
use service::{
    ctx::Ctx,
    page::{Direction, Page, PageArgs},
};

/// Counts the whole list, only when somebody asks.
pub type Count = Arc<dyn Fn(Ctx) -> BoxFuture<'static, service::Result<i64>> + Send + Sync>;

/// Where a page lies in its list.
#[derive(SimpleObject)]
#[graphql(cache_control(max_age = 60))]
pub struct PageInfo {
    /// More items follow this page.
    has_next_page: bool,
    /// Items come before this page. With `first`, true when `after` was given.
    has_previous_page: bool,
    /// The cursor of the first item; null on an empty page.
    start_cursor: Option<String>,
    /// The cursor of the last item; null on an empty page.
    end_cursor: Option<String>,
}

impl PageInfo {
    pub fn of<T>(page: &Page<T>) -> Self {
        let cursor = |item: Option<&(String, T)>| item.map(|(cursor, _)| cursor.clone());
        Self {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: cursor(page.items.first()),
            end_cursor: cursor(page.items.last()),
        }
    }
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum SortDirection {
    /// Smallest, first or oldest first.
    #[default]
    Asc,
    /// Largest, last or newest first.
    Desc,
}

impl From<SortDirection> for Direction {
    fn from(direction: SortDirection) -> Self {
        match direction {
            SortDirection::Asc => Self::Ascending,
            SortDirection::Desc => Self::Descending,
        }
    }
}

/// Relay's four arguments, as resolvers receive them.
pub fn page(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> PageArgs {
    PageArgs { first, after, last, before }
}

/// How the order of a list is asked for.
macro_rules! sort {
    ($name:ident, $field:ident, $what:literal) => {
        #[doc = concat!("The order of a list of ", $what, ".")]
        #[derive(Clone, Copy, async_graphql::InputObject)]
        pub struct $name {
            /// What the list is sorted by.
            pub field: $field,
            /// Which way.
            #[graphql(default)]
            pub direction: $crate::schema::connection::SortDirection,
        }
    };
}
pub(crate) use sort;

/// A connection and its edge. With `cursor`, the connection also offers the cursor of its snapshot. With `kept`, answers that
/// have it may be kept for so many seconds.
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ident, $what:literal $(, $cursor:ident)? $(; kept $seconds:tt)?) => {
        #[doc = concat!("A page of ", $what, ".")]
        pub struct $connection {
            pub page: service::page::Page<$node>,
            pub count: $crate::schema::connection::Count,
            $(pub $cursor: Option<$crate::schema::scalar::Cursor>,)?
        }

        #[doc = concat!("One of the ", $what, " with its cursor.")]
        #[derive(async_graphql::SimpleObject)]
        $(#[graphql(cache_control(max_age = $seconds))])?
        pub struct $edge<'a> {
            /// Give it as `after` or `before` to page on from here. It belongs to this list in this order.
            cursor: &'a str,
            /// The object itself.
            node: &'a $node,
        }

        #[doc = concat!("A page of ", $what, ".")]
        #[async_graphql::Object$((cache_control(max_age = $seconds)))?]
        impl $connection {
            /// The page with a cursor for each item.
            async fn edges(&self) -> Vec<$edge<'_>> {
                self.page.items.iter().map(|(cursor, node)| $edge { cursor, node }).collect()
            }

            /// The page without cursors.
            async fn nodes(&self) -> Vec<&$node> {
                self.page.items.iter().map(|(_, node)| node).collect()
            }

            /// Whether there is more, and from where.
            async fn page_info(&self) -> $crate::schema::connection::PageInfo {
                $crate::schema::connection::PageInfo::of(&self.page)
            }

            /// How many the whole list has; counted when asked for.
            async fn total_count(&self, ctx: &async_graphql::Context<'_>) -> $crate::error::Result<i64> {
                use $crate::context::Call;
                Ok((self.count)(ctx.call()?.clone()).await?)
            }

            $(
                /// Where the stream of events stood just before this page was read: subscribe with it as `after` and nothing
                /// is missed.
                async fn $cursor(&self) -> Option<&$crate::schema::scalar::Cursor> {
                    self.$cursor.as_ref()
                }
            )?
        }
    };
}
pub(crate) use connection;

/// A page of models as a page of nodes.
pub fn nodes<M, N: From<M>>(page: Page<M>) -> Page<N> {
    let Page { items, has_next, has_previous } = page;
    Page {
        items: items.into_iter().map(|(cursor, model)| (cursor, N::from(model))).collect(),
        has_next,
        has_previous,
    }
}

/// A count that needs only the call.
pub fn counted<F, Fut>(count: F) -> Count
where
    F: Fn(Ctx) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = service::Result<i64>> + Send + 'static,
{
    Arc::new(move |call| Box::pin(count(call)))
}
