//! The lists of what an account has made. The requests are made elsewhere.

use webhook::fields::Fields;
use webhook::list::{Element, Page, encoded};
use webhook::pick::{decoded, pick};
use webhook::time_of;

use crate::kind::Kind;

/// The lists, by the kind of their jobs. That of avatars of scenes is not among them: its form is not documented.
pub const LISTS: [&str; 6] =
    ["did.talk", "did.clip", "did.animation", "did.scene", "did.expressive", "did.translation"];

/// How many jobs a page has at most.
const PAGE: u32 = 100;

/// The folder of a list, which is also the name of the array in a page.
fn folder(list: &str) -> Option<&'static str> {
    match Kind::of_job(list)? {
        Kind::Talk => Some("talks"),
        Kind::Clip => Some("clips"),
        Kind::Animation => Some("animations"),
        Kind::Scene => Some("scenes"),
        Kind::Expressive => Some("expressives"),
        Kind::Translation => Some("translations"),
        Kind::SceneAvatar => None,
    }
}

/// The path of a page of one of the [`LISTS`]; the first page without a token. `None` if there is no such list.
pub fn list_path(list: &str, token: Option<&str>) -> Option<String> {
    let token = token.map(|token| format!("&token={}", encoded(token))).unwrap_or_default();
    Some(format!("/{}?limit={PAGE}{token}", folder(list)?))
}

/// The jobs of a page, each with the answer of its look-up and the URL that D-ID was to call. `None` if the text is no page
/// of that list.
pub fn page(list: &str, body: &[u8]) -> Option<Page> {
    let page = Page::read(body, folder(list)?, &["id", "user_data", "webhook", "created_at"], |fields, answer| {
        Some(Element {
            kind: list.to_owned(),
            entity_id: fields.text("id")?,
            callback_id: fields.text("user_data"),
            callback_url: fields.text("webhook"),
            created: fields.text("created_at").and_then(|at| time_of(&at)).map(|at| at.unix_timestamp()),
            answer,
        })
    })?;
    let next = Fields::from(&pick(&decoded(body), &["token"]).fields).text("token");
    Some(Page { next, ..page })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_its_path_and_its_array() {
        for (list, folder) in
            LISTS.iter().zip(["talks", "clips", "animations", "scenes", "expressives", "translations"])
        {
            assert_eq!(list_path(list, None), Some(format!("/{folder}?limit=100")));
            assert_eq!(list_path(list, Some("a&b")), Some(format!("/{folder}?limit=100&token=a%26b")));
            let read = page(list, format!(r#"{{"{folder}": [{{"id": "x"}}], "token": "t"}}"#).as_bytes()).unwrap();
            assert_eq!((read.elements[0].kind.as_str(), read.next.as_deref()), (*list, Some("t")));
            assert!(page(list, br#"{"others": [], "token": "t"}"#).is_none(), "{list}");
        }
        for other in ["did.scene_avatar", "talk", "tavus.video", ""] {
            assert!(list_path(other, None).is_none() && page(other, b"{}").is_none(), "{other}");
        }
    }

    #[test]
    fn a_job_of_a_list_says_whom_d_id_calls_and_whose_order_it_is_as_far_as_it_does() {
        let body = r#"{"talks": [
            {"id": "tlk_1", "webhook": "https://h.invalid/x", "user_data": "order", "created_at": "2026-10-01T10:00:00.000Z"},
            {"id": "tlk_2", "webhook": "", "user_data": null, "created_at": "yesterday", "script": "\ud83d"},
            {"id": "tlk_3", "webhook": {"url": "https://h.invalid/x"}}, {"status": "done"}, 7], "token": null}"#;
        let page = page("did.talk", body.as_bytes()).unwrap();
        let texts = |one: &Element| (one.callback_url.clone(), one.callback_id.clone(), one.created);
        let all: Vec<_> = page.elements.iter().map(texts).collect();
        let first = (Some("https://h.invalid/x".to_owned()), Some("order".to_owned()), Some(1_790_848_800));
        assert_eq!(all, [first, (None, None, None), (None, None, None)]);
        assert_eq!((page.unreadable, page.next), (2, None));
    }
}
