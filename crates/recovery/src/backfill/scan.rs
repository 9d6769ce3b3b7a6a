//! Which elements of a list are compared with what is recorded, and when the rest of the list is too old. Pure.

use crate::backfill::cursor::Scan;

/// How much older than its end a job may be: what was created this long before the times of a scan is read, too.
const LONGEST_JOB: i64 = 24 * 3_600;

/// When an element was created and when it ended, in Unix seconds, as far as HeyGen says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) created: Option<i64>,
    pub(crate) ended: Option<i64>,
    /// How long after its creation it may have ended.
    takes: i64,
}

impl Times {
    /// Of an event, which takes no time.
    pub(crate) fn of_event(at: Option<i64>) -> Self {
        Times { created: at, ended: at, takes: 0 }
    }

    pub(crate) fn of_job(created: Option<i64>, ended: Option<i64>) -> Self {
        Times { created, ended, takes: LONGEST_JOB }
    }
}

/// What a scan has seen of the order of its list, which HeyGen does not document.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The oldest element so far.
    oldest: Option<i64>,
    is_broken: bool,
    /// How many pages without any time had nothing missing, since the last one that had.
    untimed: usize,
    /// Whether pages that were compared before are compared again, so that nothing missing on them says little.
    repeats: bool,
}

impl Order {
    /// Of a scan that begins again.
    pub(crate) fn again() -> Self {
        Order { repeats: true, ..Order::default() }
    }

    /// Whether the list says no times.
    pub(crate) fn is_untimed(&self) -> bool {
        self.untimed > 0
    }
}

/// What the comparison of a page showed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) is_any_missing: bool,
    /// Whether the list's older elements, if the newest come first, had ended before the first run.
    pub(crate) is_before_first_run: bool,
}

/// Of a list that says no times, such as that of clips, so many pages in a row are read that have nothing missing: 500
/// elements.
const UNTIMED_PAGES: usize = 5;

impl Scan {
    /// Whether an element belongs to the times of this scan. One whose end is unknown does until it is too old.
    pub(crate) fn wants(&self, times: Times) -> bool {
        match times.ended {
            Some(ended) => (self.from..self.until).contains(&ended),
            None => !self.is_too_old(times),
        }
    }

    fn is_too_old(&self, times: Times) -> bool {
        let newest = times.created.max(times.ended);
        newest.is_some_and(|newest| newest < self.from.saturating_sub(times.takes))
    }

    /// Whether no later page can have an element that is wanted: the newest come first, and this whole page is too old. A
    /// list without times ends after a few pages that have nothing missing.
    pub(crate) fn ends_after(&self, page: &[Times], seen: Seen, order: &mut Order) -> bool {
        let is_untimed = !page.is_empty() && page.iter().all(|times| times.created.or(times.ended).is_none());
        if is_untimed {
            order.untimed = if seen.is_any_missing { 0 } else { order.untimed + 1 };
            let is_enough = order.untimed >= UNTIMED_PAGES && !order.repeats;
            return is_enough || seen.is_before_first_run && !seen.is_any_missing;
        }
        for created in page.iter().filter_map(|times| times.created) {
            order.is_broken |= order.oldest.is_some_and(|oldest| created > oldest);
            order.oldest = Some(order.oldest.map_or(created, |oldest| oldest.min(created)));
        }
        !order.is_broken && !page.is_empty() && page.iter().all(|times| self.is_too_old(*times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3_600;
    const SCAN: Scan = Scan { from: 10 * DAY, until: 11 * DAY, token: None };

    fn created(at: i64) -> Times {
        Times::of_job(Some(at), None)
    }

    #[test]
    fn what_ended_in_the_times_of_the_scan_is_wanted_whenever_it_was_created() {
        for (ended, wanted) in
            [(10 * DAY - 1, false), (10 * DAY, true), (11 * DAY - 1, true), (11 * DAY, false), (12 * DAY, false)]
        {
            for created in [None, Some(0), Some(ended)] {
                assert_eq!(SCAN.wants(Times::of_job(created, Some(ended))), wanted, "{created:?} {ended}");
            }
        }
    }

    #[test]
    fn what_does_not_say_when_it_ended_is_wanted_unless_it_is_too_old() {
        assert!(SCAN.wants(Times::of_job(None, None)));
        assert!(SCAN.wants(created(9 * DAY)) && SCAN.wants(created(12 * DAY)));
        assert!(!SCAN.wants(created(9 * DAY - 1)));
    }

    #[test]
    fn the_scan_ends_only_after_a_whole_page_that_is_too_old() {
        let ends = |pages: &[&[i64]]| {
            let mut order = Order::default();
            let page = |page: &&[i64]| page.iter().map(|at| created(at * DAY)).collect::<Vec<_>>();
            pages.iter().map(|times| SCAN.ends_after(&page(times), Seen::default(), &mut order)).collect::<Vec<_>>()
        };
        assert_eq!(ends(&[&[11, 10], &[9, 8], &[8, 7]]), [false, false, true]);
        assert_eq!(ends(&[&[8, 7]]), [true]);
        assert_eq!(ends(&[&[]]), [false]);
        // The oldest first, or no order at all.
        assert_eq!(ends(&[&[1, 2], &[3, 4], &[11, 12]]), [false, false, false]);
        assert_eq!(ends(&[&[11, 12], &[2, 1], &[1, 1]]), [false, false, false]);
        assert_eq!(ends(&[&[2, 1], &[11, 10], &[2, 1]]), [true, false, false]);
    }

    #[test]
    fn an_event_is_too_old_as_soon_as_it_is_older_than_the_scan() {
        assert!(SCAN.ends_after(&[Times::of_event(Some(10 * DAY - 1))], Seen::default(), &mut Order::default()));
        assert!(!SCAN.ends_after(&[Times::of_event(Some(10 * DAY))], Seen::default(), &mut Order::default()));
    }

    #[test]
    fn a_list_without_times_ends_after_pages_in_a_row_that_have_nothing_missing() {
        let page = [Times::of_job(None, None); 100];
        let ends = |missing: &str, mut order: Order, is_before_first_run: bool| {
            let seen = |is_any_missing| Seen { is_any_missing, is_before_first_run };
            let ends = missing.chars().map(|page_has| SCAN.ends_after(&page, seen(page_has == 'm'), &mut order));
            ends.collect::<Vec<_>>()
        };
        assert_eq!(ends(".....", Order::default(), false), [false, false, false, false, true]);
        assert_eq!(ends("mmmmmmm....m....", Order::default(), false), [false; 16], "an outage may be long");
        assert_eq!(ends("..........", Order::again(), false), [false; 10]);
        assert_eq!(ends("m.", Order::default(), true), [false, true]);
    }

    #[test]
    fn an_element_without_a_time_keeps_the_scan_going() {
        let mut order = Order::default();
        assert!(!SCAN.ends_after(&[created(0), Times::of_job(None, None)], Seen::default(), &mut order));
    }
}
