//! Tracked jobs whose entity is not known yet, and which jobs they turn out to be. Pure.

use super::JobItem;
use webhook::Status;

/// A tracked job whose entity is not known yet has this, followed by its `callback_id`, in place of HeyGen's id.
pub const NO_ENTITY: &str = "callback_id:";

impl JobItem {
    /// Whether the job is tracked, and HeyGen's id is not known yet.
    pub fn is_placeholder(&self) -> bool {
        self.entity_id.starts_with(NO_ENTITY)
    }

    /// Whether this placeholder may be that job of the same `callback_id`.
    ///
    /// A job that had failed before the placeholder was tracked is an earlier attempt. One that has taken another
    /// placeholder's place is that one's job.
    pub fn may_become(&self, job: &JobItem) -> bool {
        self.is_placeholder()
            && !job.is_placeholder()
            && job.kind == self.kind
            && languages(self, job).is_none_or(|(own, other)| own.eq_ignore_ascii_case(other))
            && job.tracked_as.as_ref().is_none_or(|other| *other == self.item)
            && !self.is_attempt_after(job)
    }

    /// Whether that job had failed before this one was tracked.
    pub fn is_attempt_after(&self, job: &JobItem) -> bool {
        job.status == Some(Status::Failed) && self.tracked_at.as_ref().is_some_and(|at| job.received_at < *at)
    }
}

/// Each placeholder with the job that it turned out to be, of the jobs of one `callback_id`; no job twice.
///
/// A language decides. Where only one of the two has one, they belong together if nothing else of their kind could be
/// meant: of three languages that are expected, a job without one may be any.
pub(super) fn resolved(jobs: &[JobItem]) -> Vec<(&JobItem, &JobItem)> {
    let mut left: Vec<_> = jobs.iter().filter(|job| !job.is_placeholder()).collect();
    let mut open: Vec<_> = jobs.iter().filter(|job| job.is_placeholder()).collect();
    let mut pairs = Vec::new();
    let tests: [fn(&JobItem, &JobItem) -> bool; 3] = [
        |placeholder, job| job.tracked_as.as_ref() == Some(&placeholder.item),
        |placeholder, job| placeholder.output_language.is_some() == job.output_language.is_some(),
        |placeholder, _| placeholder.output_language.is_none(),
    ];
    for is_it in tests {
        open.retain(|placeholder| {
            let found = left.iter().position(|job| placeholder.may_become(job) && is_it(placeholder, job));
            pairs.extend(found.map(|at| (*placeholder, left.remove(at))));
            found.is_none()
        });
    }
    for placeholder in &open {
        let candidates: Vec<_> = left.iter().filter(|job| placeholder.may_become(job)).collect();
        if let [job] = candidates[..]
            && open.iter().filter(|other| other.may_become(job)).count() == 1
        {
            pairs.push((*placeholder, *job));
        }
    }
    pairs
}

fn languages<'a>(one: &'a JobItem, other: &'a JobItem) -> Option<(&'a str, &'a str)> {
    one.output_language.as_deref().zip(other.output_language.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "video_translate";

    fn job(entity: &str, language: Option<&str>) -> JobItem {
        let (received_at, language) = ("2026-11-22T02:00:00.000Z".to_owned(), language.map(str::to_owned));
        JobItem {
            item: format!("job#{KIND}#{entity}#{language:?}"),
            kind: KIND.to_owned(),
            entity_id: entity.to_owned(),
            output_language: language,
            received_at,
            status: Some(Status::Succeeded),
            ..JobItem::default()
        }
    }

    fn placeholder(language: Option<&str>) -> JobItem {
        let tracked_at = Some("2026-11-22T01:00:00.000Z".to_owned());
        JobItem { tracked_at, status: None, ..job("callback_id:order_1", language) }
    }

    fn pairs(jobs: &[JobItem]) -> Vec<(Option<&str>, &str)> {
        let pairs = resolved(jobs).into_iter();
        let mut pairs: Vec<_> =
            pairs.map(|(placeholder, job)| (placeholder.output_language.as_deref(), job.entity_id.as_str())).collect();
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn a_placeholder_becomes_the_job_of_its_kind_and_language() {
        let languages = [Some("de"), Some("es"), Some("fr")];
        let expected: Vec<_> = languages.into_iter().map(placeholder).collect();
        let with = |jobs: &[JobItem]| [expected.as_slice(), jobs].concat();
        assert_eq!(pairs(&with(&[])), []);
        assert_eq!(pairs(&with(&[job("t1", Some("ES"))])), [(Some("es"), "t1")]);
        assert_eq!(pairs(&with(&[job("t1", Some("it"))])), []);
        let other = JobItem { kind: "avatar_video".to_owned(), ..job("v", Some("es")) };
        assert_eq!(pairs(&with(&[other])), []);
        let both = [job("t1", Some("fr")), job("t2", Some("de"))];
        assert_eq!(pairs(&with(&both)), [(Some("de"), "t2"), (Some("fr"), "t1")]);
        assert_eq!(pairs(&with(&[job("t1", None)])), [], "it may be any of the three");
        let last = [job("t1", None), job("t2", Some("es")), job("t3", Some("fr"))];
        assert_eq!(pairs(&with(&last)), [(Some("de"), "t1"), (Some("es"), "t2"), (Some("fr"), "t3")]);
    }

    #[test]
    fn no_job_takes_two_places() {
        let one = [placeholder(None), placeholder(Some("es")), job("t1", Some("es"))];
        assert_eq!(pairs(&one), [(Some("es"), "t1")]);
        let unknown = [placeholder(None), placeholder(Some("es")), job("t1", None)];
        assert_eq!(pairs(&unknown), [(None, "t1")]);
        let taken = JobItem { tracked_as: Some(placeholder(Some("es")).item), ..job("t1", Some("es")) };
        assert_eq!(pairs(&[placeholder(None), taken.clone()]), [], "it took the other's place before");
        assert_eq!(pairs(&[placeholder(Some("es")), taken]), [(Some("es"), "t1")], "it is tracked once more");
    }

    #[test]
    fn a_job_that_failed_before_is_an_earlier_attempt() {
        let failed = JobItem { status: Some(Status::Failed), ..job("t1", None) };
        assert_eq!(pairs(&[placeholder(None), failed.clone()]), [(None, "t1")]);
        let before = |of: JobItem| JobItem { received_at: "2026-11-22T00:59:59.999Z".to_owned(), ..of };
        assert_eq!(pairs(&[placeholder(None), before(failed)]), []);
        assert_eq!(pairs(&[placeholder(None), before(job("t1", None))]), [(None, "t1")], "the event came first");
    }
}
