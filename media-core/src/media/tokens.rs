//! JSON Web Tokens (RFC 7519) inside text, for the times they state. Nothing is verified, and no claim is kept.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::embedded::Budget;
use crate::bytes::from_base64;
use crate::time::Timestamp;

/// Far more than the header of any token.
const LONGEST_HEADER: usize = 16 << 10;
/// Far more than the claims of any token.
const LONGEST_CLAIMS: usize = 256 << 10;

/// When a token is valid, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// `nbf`: the first moment.
    pub not_before: Option<Timestamp>,
    /// `exp`: the last moment.
    pub not_after: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "alg")]
    _alg: IgnoredAny,
}

#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    nbf: Option<f64>,
}

/// Every signed or unsigned token in a text, wherever it stands.
pub(super) fn find(text: &str, budget: &mut Budget) -> Vec<Token> {
    let mut tokens = Vec::new();
    for run in text.split(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)) {
        let parts: Vec<&str> = run.split('.').collect();
        let mut at = 0;
        while at + 2 < parts.len() {
            let token = ends_in_header(parts[at], budget).then(|| claims(parts[at + 1])).flatten();
            at += if token.is_some() { 3 } else { 1 };
            tokens.extend(token);
        }
    }
    tokens
}

/// Whether text ends in the header of a token. Something may stand before it, as in `token_eyJ…`.
fn ends_in_header(part: &str, budget: &mut Budget) -> bool {
    // What encodes `{` and a quotation mark, a space or a line end.
    let starts = part.match_indices('e').filter(|(at, _)| {
        part.as_bytes().get(at + 1).is_some_and(|next| b"yw".contains(next))
            && part.len() - at <= LONGEST_HEADER
    });
    starts
        .take_while(|_| budget.spend())
        .any(|(at, _)| from_base64(&part.as_bytes()[at..]).is_some_and(|json| is_header(&json)))
}

fn is_header(json: &[u8]) -> bool {
    serde_json::from_slice::<Header>(json).is_ok()
}

fn claims(part: &str) -> Option<Token> {
    let json = from_base64(part.as_bytes()).filter(|_| part.len() <= LONGEST_CLAIMS)?;
    let claims: Claims = serde_json::from_slice(&json).ok()?;
    // Out of range becomes the nearest moment there is; fractions of a second do not matter.
    let moment = |seconds: f64| Timestamp::from_unix(seconds as i64);
    Some(Token { not_before: claims.nbf.map(moment), not_after: claims.exp.map(moment) })
}
