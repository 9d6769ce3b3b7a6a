//! The links to the results of a job.

use std::collections::BTreeMap;

use webhook::fields::{Fields, is_link};

/// This crate's name of each result, and HeyGen's spellings. `callback_url` is not a result.
const SPELLINGS: [(&str, &[&str]); 7] = [
    ("video", &["video_url"]),
    ("gif", &["gif_download_url", "gif_url"]),
    ("page", &["video_page_url"]),
    ("share_page", &["video_share_page_url"]),
    ("landing_page", &["landing_page_url"]),
    ("captioned_video", &["captioned_video_url"]),
    ("thumbnail", &["thumbnail_url"]),
];

/// Whether a field of `event_data` may hold a link.
pub(crate) fn reads(name: &str) -> bool {
    name == "url" || SPELLINGS.iter().any(|(_, spellings)| spellings.contains(&name))
}

/// The link of one clip of an `ai_clipping` job, with its name.
pub(crate) fn of_clip(id: &str, link: String) -> Option<(String, String)> {
    is_link(&link).then(|| (format!("clip.{id}"), link))
}

/// Reads the links of `event_data`, without those of its clips.
pub(crate) fn read(kind: Option<&str>, data: Fields<'_>) -> BTreeMap<String, String> {
    // A plain `url` is what the job made: in a gif job it is the gif, not the video.
    let made = match kind {
        Some("avatar_video_gif") => "gif",
        _ => "video",
    };
    let link = |name: &str| data.link(name);
    let named = SPELLINGS.iter().filter_map(|(name, spellings)| {
        let specific = spellings.iter().find_map(|spelling| link(spelling));
        let plain = || link("url").filter(|_| *name == made);
        Some(((*name).to_owned(), specific.or_else(plain)?))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn links(kind: &str, data: &Value) -> Vec<(String, String)> {
        read(Some(kind), Fields::of(Some(data))).into_iter().collect()
    }

    fn pair(name: &str, link: &str) -> (String, String) {
        (name.to_owned(), link.to_owned())
    }

    #[test]
    fn every_link_has_its_name_in_the_reference() {
        let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference.md");
        let text = std::fs::read_to_string(reference).unwrap();
        let row = text.lines().find(|line| line.starts_with("| `links` | of a succeeded job")).unwrap();
        let missing: Vec<_> = SPELLINGS.iter().filter(|(name, _)| !row.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "docs/reference.md: the row of the attribute `links` lacks {missing:?}");
    }

    #[test]
    fn every_spelling_has_one_name() {
        for (name, spellings) in SPELLINGS {
            for spelling in spellings {
                let found = links("avatar_video", &json!({*spelling: "https://x.invalid/1"}));
                assert_eq!(found, [pair(name, "https://x.invalid/1")], "{spelling}");
            }
        }
    }

    #[test]
    fn a_plain_url_is_the_video() {
        let data = json!({"url": "https://x.invalid/1", "gif_download_url": null});
        assert_eq!(links("avatar_video", &data), [pair("video", "https://x.invalid/1")]);
        assert_eq!(links("hologram", &data), [pair("video", "https://x.invalid/1")]);
    }

    #[test]
    fn the_result_of_a_gif_job_is_a_gif() {
        let data = json!({"url": "https://x.invalid/1", "gif_download_url": null});
        assert_eq!(links("avatar_video_gif", &data), [pair("gif", "https://x.invalid/1")]);
        let both = json!({"url": "https://x.invalid/1", "gif_download_url": "https://x.invalid/2"});
        assert_eq!(links("avatar_video_gif", &both), [pair("gif", "https://x.invalid/2")]);
    }

    #[test]
    fn clips_are_named_by_their_ids() {
        let clip = of_clip("c1", "https://x.invalid/1".to_owned()).unwrap();
        assert_eq!(clip, pair("clip.c1", "https://x.invalid/1"));
    }

    #[test]
    fn only_http_links_count() {
        for link in ["javascript:alert(1)", "file:///etc/passwd", "//x.invalid", "pending", ""] {
            assert_eq!(links("avatar_video", &json!({"url": link})), [], "{link:?}");
            assert_eq!(of_clip("c1", link.to_owned()), None, "{link:?}");
        }
        let data = json!({"video_url": "pending", "url": "http://x.invalid/1"});
        assert_eq!(links("avatar_video", &data), [pair("video", "http://x.invalid/1")]);
    }

    #[test]
    fn the_callback_url_is_not_a_result() {
        assert_eq!(links("avatar_video", &json!({"callback_url": "https://x.invalid"})), []);
    }
}
