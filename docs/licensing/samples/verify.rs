//! Offline check of a RustBill licence file.
//! Cargo.toml: base64 = "0.22", ed25519-dalek = "2", serde_json = "1", sha2 = "0.10"

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::Engine;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

pub type Licence = Map<String, Value>;
const DAY: f64 = 86_400.0;

/// What this machine remembers of one licence; in JSON `highestIat`, `highestSeq`, `latestNow`, `serverTime`, `revoked`.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Seen {
    pub highest_iat: u64,
    pub highest_seq: u64,
    pub latest_now: Option<u64>,
    pub server_time: Option<u64>,
    pub revoked: bool,
}

/// The latest time seen: those of the server whatever the licence, that of this machine's clock for the newest file only.
fn known(seen: &HashMap<String, Seen>, last: &Seen, seq: u64) -> u64 {
    let server = seen.values().map(|one| one.highest_iat.max(one.server_time.unwrap_or(0))).max().unwrap_or(0);
    let own = last.latest_now.filter(|_| seq <= last.highest_seq).unwrap_or(0);
    server.max(own)
}

/// What to store after a genuine file was looked at, whatever the answer was.
pub fn remember(seen: &HashMap<String, Seen>, licence: &Licence, now: f64) -> HashMap<String, Seen> {
    let number = |name: &str| licence.get(name).and_then(Value::as_u64);
    let (iat, seq) = (number("iat").unwrap_or(0), number("seq").unwrap_or(0));
    let key = licence["licenseId"].as_str().unwrap_or_default();
    let mut next = seen.get(key).cloned().unwrap_or_default();
    let own = next.latest_now.filter(|_| seq <= next.highest_seq);
    let clock = number("exp").map(|_| now.max(0.0) as u64);
    next.latest_now = own.max(clock);
    next.highest_iat = next.highest_iat.max(iat);
    next.highest_seq = next.highest_seq.max(seq);
    let mut all = seen.clone();
    all.insert(key.to_string(), next);
    all
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The bytes of the block that the text begins with, and the text behind it. The engine takes canonical base64 only.
fn block<'a>(text: &'a str, name: &str) -> Option<(Vec<u8>, &'a str)> {
    let text = text.trim_start_matches(blank).strip_prefix(&format!("-----BEGIN {name}-----"))?;
    let (body, rest) = text.split_at(text.find('-')?);
    let base64: String = body.chars().filter(|c| !blank(*c)).collect();
    Some((STANDARD.decode(base64).ok()?, rest.strip_prefix(&format!("-----END {name}-----"))?))
}

fn blocks(file: &[u8]) -> Option<(Vec<u8>, Signature)> {
    let text = std::str::from_utf8(file).ok().filter(|text| text.len() <= 65_536)?;
    let (payload, rest) = block(text, "LICENSE")?;
    let (signature, rest) = block(rest, "SIGNATURE")?;
    let signature = Signature::from_slice(&signature).ok()?;
    rest.trim_start_matches(blank).is_empty().then_some((payload, signature))
}

fn thumbprint(x: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

fn has_signed(x: &str, payload: &[u8], signature: &Signature) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(x).expect("a trusted x is base64url");
    let key = VerifyingKey::try_from(bytes.as_slice()).expect("a trusted x is an Ed25519 key");
    key.verify_strict(payload, signature).is_ok()
}

fn whole(value: Option<&Value>, least: u64) -> bool {
    value.and_then(Value::as_u64).is_some_and(|number| number >= least)
}

fn is_key(text: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c != '-');
    (4..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
        && end(text.chars().next())
        && end(text.chars().last())
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, c)| if at == 4 || at == 7 { c == b'-' } else { c.is_ascii_digit() })
}

fn well_formed(licence: &Licence) -> bool {
    let text = |name: &str| licence.get(name).and_then(Value::as_str);
    ["customerId", "customerName", "productId", "productName"].iter().all(|name| text(name).is_some())
        && text("licenseId").is_some_and(is_key)
        && text("issuedAt").is_some_and(is_date)
        && text("expiresAt").is_some_and(is_date)
        && licence.get("features").and_then(Value::as_array).is_some_and(|all| all.iter().all(Value::is_string))
        && licence.get("entitlements").is_some_and(Value::is_object)
        && (!licence.contains_key("maxActivations") || whole(licence.get("maxActivations"), 1))
        && whole(licence.get("iat"), 0)
        && whole(licence.get("seq"), 1)
        && if licence.contains_key("exp") { whole(licence.get("exp"), 0) } else { text("expiresAt") == Some("9999-12-31") }
}

/// `trusted`: the `x` of each key; `now`: Unix seconds; `seen`: by licence key. The error is the reason why the file is not
/// genuine; of a genuine one the answer is the reason why it is refused, `None` when it is valid, and the licence: then
/// store what `remember` answers.
pub fn verify(
    file: &[u8],
    trusted: &[String],
    product_id: &str,
    now: f64,
    grace_days: f64,
    seen: &HashMap<String, Seen>,
) -> Result<(Option<&'static str>, Licence), &'static str> {
    let (payload, signature) = blocks(file).ok_or("malformed")?;
    let licence: Licence = serde_json::from_slice(&payload).map_err(|_| "malformed")?;
    let kid = match licence.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str().ok_or("malformed")?),
    };

    let keys: Vec<&String> = trusted.iter().filter(|x| kid.is_none_or(|kid| thumbprint(x) == kid)).collect();
    if keys.is_empty() {
        return Err("unknown_key");
    }
    if !keys.iter().any(|x| has_signed(x, &payload, &signature)) {
        return Err("bad_signature");
    }
    if !well_formed(&licence) {
        return Err("malformed");
    }

    let number = |name: &str| licence.get(name).and_then(Value::as_u64);
    let (iat, seq) = (number("iat").unwrap(), number("seq").unwrap());
    let last = licence["licenseId"].as_str().and_then(|key| seen.get(key)).cloned().unwrap_or_default();
    let latest = known(seen, &last, seq) as f64;
    let ended = number("exp").is_some_and(|exp| now.max(latest) >= exp as f64 + grace_days * DAY);
    let reason = if last.revoked {
        Some("revoked")
    } else if ended {
        Some("expired")
    } else if iat as f64 > now + DAY {
        Some("clock_rolled_back")
    } else if iat < last.highest_iat || seq < last.highest_seq {
        Some("file_rolled_back")
    } else if now < latest - DAY {
        Some("clock_rolled_back")
    } else if licence["productId"] != product_id {
        Some("wrong_product")
    } else {
        None
    };
    Ok((reason, licence))
}
