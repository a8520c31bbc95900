//! A model of resuming: whatever is lost, repeated, late or started again, a listener hears 1, 2, 3 … from where it began.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::node::Node;
use entity::Position;
use futures_util::{StreamExt, stream::BoxStream};
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use service::{
    ctx::{App, Ctx},
    event::{Cursor, Recorded},
    station::CreateStation,
    tenant::CreateTenant,
};
use tests::{Shape::Embedded, TestApp};

type Events = BoxStream<'static, service::Result<Arc<Recorded>>>;

/// What happens to the node that listens; the other one writes, and tells it nothing by itself.
#[derive(Clone, Debug)]
enum Step {
    Write,
    /// A message arrives about some of the events: any of them, also ones that it knows or is far from.
    Hear(Vec<Index>),
    /// The second has passed.
    CheckHead,
    Attach(u8),
    Detach(u8),
    /// It takes what is there.
    Listen(u8),
    /// The node is another process now.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0_u8..3;
    prop_oneof![
        4 => Just(Step::Write),
        4 => prop::collection::vec(any::<Index>(), 1..4).prop_map(Step::Hear),
        1 => Just(Step::CheckHead),
        3 => who.clone().prop_map(Step::Attach),
        1 => who.clone().prop_map(Step::Detach),
        2 => who.prop_map(Step::Listen),
        1 => Just(Step::Restart),
    ]
}

/// It keeps its place when it goes, and when the node is restarted.
struct Listener {
    open: Option<Events>,
    last: Cursor,
}

struct World {
    /// The tenant, on the node that writes.
    writer: Ctx,
    written: Events,
    events: Vec<Arc<Recorded>>,
    /// The tenant, on the node that listens.
    reader: Ctx,
    listeners: BTreeMap<u8, Listener>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_misses_nothing_and_hears_nothing_twice() {
    let app = TestApp::start(Embedded).await;
    let handle = tokio::runtime::Handle::current();
    let checked = tokio::task::spawn_blocking(move || {
        let config =
            ProptestConfig { cases: 60, max_shrink_iters: 60, ..ProptestConfig::default() };
        let steps = prop::collection::vec(step(), 1..40);
        TestRunner::new(config)
            .run(&steps, |steps| handle.block_on(play(&app, steps)).map_err(TestCaseError::fail))
    });
    checked.await.unwrap().unwrap();
}

async fn play(app: &TestApp, steps: Vec<Step>) -> Result<(), String> {
    let mut world = World::new(app).await;
    for step in steps {
        match step {
            Step::Write => world.write().await,
            Step::Hear(which) => world.hear(&which),
            Step::CheckHead => world.reader.app.feed.check_heads(),
            Step::Attach(who) => world.attach(who).await,
            Step::Detach(who) => {
                if let Some(listener) = world.listeners.get_mut(&who) {
                    listener.open = None;
                }
            }
            Step::Listen(who) => world.listen(who, Duration::from_millis(5), i64::MAX).await?,
            Step::Restart => world.restart(app).await,
        }
    }
    world.everyone_catches_up().await
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let input = CreateTenant {
            slug: format!("model-{}", tests::key()),
            name: "Model".to_owned(),
            time_zone: "Europe/Copenhagen".to_owned(),
            currency: "EUR".parse().unwrap(),
            publishes_board: true,
        };
        let tenant = service::tenant::create(&app.node.app, input).await.unwrap();
        let writer = app.node.app.system(tenant.id, "model");
        let written = writer.events(None).await.unwrap().boxed();
        let reader = another_process(app).await.system(tenant.id, "model");
        Self { writer, written, events: Vec::new(), reader, listeners: BTreeMap::new() }
    }

    async fn write(&mut self) {
        let number = self.events.len();
        let input = CreateStation {
            name: format!("Station {number}"),
            short_code: number.to_string(),
            position: Position::new(55.0, 12.0).unwrap(),
            address: None,
            region: None,
            capacity: 5,
            is_virtual: false,
            is_charging: false,
        };
        service::station::create(&self.writer, input).await.unwrap();
        self.events.push(self.written.next().await.unwrap().unwrap());
    }

    fn hear(&self, which: &[Index]) {
        if self.events.is_empty() {
            return;
        }
        let heard: Vec<_> = which.iter().map(|index| Arc::clone(index.get(&self.events))).collect();
        self.reader.app.feed.offer(self.reader.tenant, &heard);
    }

    /// A new listener begins at the head; one that comes back, where it was.
    async fn attach(&mut self, who: u8) {
        let last = match self.listeners.get(&who) {
            Some(listener) if listener.open.is_some() => return,
            Some(listener) => listener.last,
            None => self.reader.stream_cursor().await.unwrap(),
        };
        let open = Some(self.reader.events(Some(last)).await.unwrap().boxed());
        self.listeners.insert(who, Listener { open, last });
    }

    /// Takes what comes within a while, up to a number.
    async fn listen(&mut self, who: u8, patience: Duration, up_to: i64) -> Result<(), String> {
        let Some(listener) = self.listeners.get_mut(&who) else { return Ok(()) };
        let Some(open) = &mut listener.open else { return Ok(()) };
        while listener.last.seq < up_to {
            let Ok(event) = tokio::time::timeout(patience, open.next()).await else { break };
            let event = event.ok_or("the stream ended")?.map_err(|error| error.to_string())?;
            if event.seq != listener.last.seq + 1 {
                return Err(format!("{who} hears {} after {}", event.seq, listener.last.seq));
            }
            listener.last = event.cursor();
        }
        Ok(())
    }

    async fn restart(&mut self, app: &TestApp) {
        for listener in self.listeners.values_mut() {
            listener.open = None;
        }
        self.reader = another_process(app).await.system(self.reader.tenant, "model");
    }

    async fn everyone_catches_up(&mut self) -> Result<(), String> {
        let head = self.reader.stream_cursor().await.unwrap().seq;
        for who in self.listeners.keys().copied().collect::<Vec<_>>() {
            self.attach(who).await;
            self.reader.app.feed.check_heads();
            self.listen(who, Duration::from_secs(10), head).await?;
            let last = self.listeners[&who].last.seq;
            if last != head {
                return Err(format!("{who} is at {last}, the head is {head}"));
            }
        }
        Ok(())
    }
}

/// On the same database, with a feed of its own that nobody tells anything.
async fn another_process(app: &TestApp) -> App {
    Node::start(&app.config, Arc::new(app.clock.clone())).await.unwrap().app
}
