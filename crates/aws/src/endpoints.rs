//! What the functions agree on about endpoints: where each is received, and how a list of them is written.

/// What comes before an endpoint's name in a path.
pub const PATH: &str = "/webhooks/heygen/";

/// The names in a comma separated list.
pub fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
