//! What a piece of text must be to be kept.

use sea_orm::{
    IntoSimpleExpr,
    sea_query::{ExprTrait, Func, LikeExpr, SimpleExpr},
};

use crate::error::{Invalid, Result};

/// Trimmed, not empty, at most `max` characters, and without control characters.
pub(crate) fn required(field: &str, text: &str, max: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::new(field, "must not be empty").into());
    }
    if text.chars().count() > max {
        return Err(Invalid::new(field, format!("must have at most {max} characters")).into());
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Invalid::new(field, "must not contain control characters").into());
    }
    Ok(text.to_owned())
}

/// As `required`; nothing but white space is None.
pub(crate) fn optional(field: &str, text: Option<&str>, max: usize) -> Result<Option<String>> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => required(field, text, max).map(Some),
    }
}

/// Lower case, with one `@` that has something on both sides. Whether mail arrives, only mail can tell.
pub(crate) fn email(field: &str, text: &str) -> Result<String> {
    let email = required(field, text, 254)?.to_lowercase();
    let whole = matches!(email.split_once('@'), Some((name, host)) if !name.is_empty() && host.contains('.') && !host.contains('@'));
    let strange = |c: char| c.is_whitespace() || r#"<>()[]\,;:""#.contains(c);
    if !whole || email.contains(strange) {
        return Err(Invalid::new(field, "is not an e-mail address").into());
    }
    Ok(email)
}

/// E.164: `+`, a country code, and up to 15 digits in all.
pub(crate) fn phone(field: &str, text: &str) -> Result<String> {
    let phone = required(field, text, 16)?;
    let digits = phone.strip_prefix('+').unwrap_or_default();
    if !(7..=15).contains(&digits.len())
        || digits.starts_with('0')
        || !digits.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(Invalid::new(field, "must be in E.164 form, such as +254700123456").into());
    }
    Ok(phone)
}

/// Whether a column begins with what somebody typed, whatever its case; `%` and `_` mean themselves.
pub(crate) fn begins_with(column: impl IntoSimpleExpr, typed: &str) -> SimpleExpr {
    let mut pattern = String::with_capacity(typed.len() + 1);
    for c in typed.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    SimpleExpr::from(Func::lower(column.into_simple_expr()))
        .like(LikeExpr::new(pattern).escape('\\'))
}
