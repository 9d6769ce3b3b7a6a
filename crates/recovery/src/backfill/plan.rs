//! What a run reads of each list, and where its cursor is afterwards. Pure.

use crate::backfill::cursor::{Cursor, Scan};

/// HeyGen may list an event later than its time says. What is this much older than the cursor is compared again.
const OVERLAP: i64 = 3_600;

/// The times that a request is about, in Unix seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
}

/// What a run does with one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Reads the rest of a scan that an earlier run began.
    Continue(Scan),
    Begin(Scan),
    /// An earlier run of the same request has read it.
    Done(Scan),
}

impl Asked {
    /// Whether the scan, once it ends, has compared all that is asked for. A request without times asks for what is left.
    fn is_covered_by(self, scan: &Scan) -> bool {
        self.since.is_none_or(|since| scan.from <= since) && self.until.is_none_or(|until| until <= scan.until)
    }
}

impl Cursor {
    /// From the first run on, whatever becomes of it. What ended before was not meant for this deployment.
    pub(crate) fn begin(&mut self, now: i64) {
        self.first_run.get_or_insert(now);
        self.read_until.get_or_insert(now);
    }

    /// After a scan that got to its end. What lies between the cursor and a scan that begins later was not read by anybody.
    pub(crate) fn finish(&mut self, scan: &Scan) {
        if self.read_until.is_none_or(|read_until| scan.from <= read_until) {
            self.read_until = self.read_until.max(Some(scan.until));
        }
        self.done = Some(Scan { token: None, ..scan.clone() });
        self.scan = None;
    }

    /// Whether a scan is the list's first one, which only looks at what has ended already.
    pub(crate) fn is_first_look(&self, scan: &Scan) -> bool {
        self.done.is_none() && !self.is_before_first_run(scan.from)
    }

    /// Whether something of this time was not meant for this deployment, unless a request says so.
    pub(crate) fn is_before_first_run(&self, at: i64) -> bool {
        self.first_run.is_some_and(|first_run| at < first_run)
    }

    /// A scan of its own, or one that also has what is left of another scan.
    fn new_scan(&self, asked: Asked, latest: i64) -> Scan {
        let read_until = self.read_until.unwrap_or(latest).saturating_sub(OVERLAP);
        let from = asked.since.unwrap_or_else(|| self.first_run.map_or(read_until, |first| first.max(read_until)));
        let until = asked.until.unwrap_or(latest);
        match &self.scan {
            Some(left) => Scan { from: from.min(left.from), until: until.max(left.until), token: None },
            None => Scan { from, until, token: None },
        }
    }
}

/// The step of each list, in their order. `latest` is the end of what can be asked for.
///
/// A request that is repeated because there was more goes on with the scans that it left, and reads no list again that it
/// has read.
pub(crate) fn plan(cursors: &[Cursor], asked: Asked, latest: i64) -> Vec<Step> {
    let left = |cursor: &Cursor| cursor.scan.clone().filter(|scan| asked.is_covered_by(scan));
    let under_way = cursors.iter().filter_map(left).map(|scan| scan.until).min().filter(|_| asked.since.is_some());
    let step = |cursor: &Cursor| {
        let is_done = |scan: &Scan| {
            asked.is_covered_by(scan) && under_way.is_some_and(|until| asked.until.unwrap_or(until) <= scan.until)
        };
        match (left(cursor), &cursor.done) {
            (Some(scan), _) => Step::Continue(scan),
            (None, Some(done)) if cursor.scan.is_none() && is_done(done) => Step::Done(done.clone()),
            (None, _) => Step::Begin(cursor.new_scan(asked, latest)),
        }
    };
    cursors.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;
    /// Of a list that was first read at 100 h, and until 1,000 h; it is 1,001 h.
    const LATEST: i64 = 1_001 * HOUR;

    fn scan(from: i64, until: i64) -> Scan {
        Scan { from: from * HOUR, until: until * HOUR, token: None }
    }

    fn cursor() -> Cursor {
        let done = Some(scan(998, 1_000));
        Cursor { first_run: Some(100 * HOUR), read_until: Some(1_000 * HOUR), done, ..Cursor::default() }
    }

    fn with_left(from: i64, until: i64) -> Cursor {
        let left = Scan { token: Some("next".to_owned()), ..scan(from, until) };
        Cursor { scan: Some(left), ..cursor() }
    }

    fn hours(since: Option<i64>, until: Option<i64>) -> Asked {
        Asked { since: since.map(|at| at * HOUR), until: until.map(|at| at * HOUR) }
    }

    fn step(cursor: Cursor, asked: Asked) -> Step {
        plan(&[cursor], asked, LATEST).remove(0)
    }

    #[test]
    fn a_scheduled_run_begins_an_hour_before_the_cursor_but_not_before_the_first_run() {
        assert_eq!(step(cursor(), Asked::default()), Step::Begin(scan(999, 1_001)));
        let mut new = Cursor::default();
        new.begin(LATEST);
        assert_eq!(step(new.clone(), Asked::default()), Step::Begin(scan(1_001, 1_001)));
        assert_eq!(step(new.clone(), hours(Some(7), None)), Step::Begin(scan(7, 1_001)), "unless it is asked for");
        new.begin(LATEST + HOUR);
        assert_eq!(new.first_run, Some(LATEST), "a list has one first run");
    }

    #[test]
    fn the_cursor_moves_only_over_what_was_read() {
        for (from, until, expected) in [
            (999, 1_001, 1_001),
            (1_000, 1_001, 1_001),
            // It began later than the last one ended.
            (1_001, 1_002, 1_000),
            // It is about what is older.
            (5, 6, 1_000),
            (5, 1_001, 1_001),
            // There is nothing in it.
            (999, 998, 1_000),
        ] {
            let mut cursor = cursor();
            cursor.finish(&scan(from, until));
            assert_eq!(cursor.read_until, Some(expected * HOUR), "{from} to {until}");
            assert_eq!((cursor.scan, cursor.done), (None, Some(scan(from, until))));
        }
    }

    #[test]
    fn what_is_left_is_continued_if_it_has_what_is_asked_for() {
        let Step::Continue(left) = step(with_left(900, 1_000), Asked::default()) else { panic!("begun again") };
        assert_eq!(left.token.as_deref(), Some("next"));
        for asked in [hours(Some(900), None), hours(Some(950), Some(1_000)), hours(None, Some(970))] {
            assert_eq!(step(with_left(900, 1_000), asked), Step::Continue(left.clone()), "{asked:?}");
        }
    }

    #[test]
    fn what_is_left_is_not_dropped_for_something_else() {
        for (asked, expected) in [
            (hours(Some(800), None), scan(800, 1_001)),
            (hours(Some(800), Some(810)), scan(800, 1_000)),
            (hours(Some(950), Some(1_001)), scan(900, 1_001)),
            (hours(None, Some(1_001)), scan(900, 1_001)),
        ] {
            assert_eq!(step(with_left(900, 1_000), asked), Step::Begin(expected), "{asked:?}");
        }
    }

    #[test]
    fn a_request_that_is_repeated_reads_no_list_again_that_it_has_read() {
        let done = |from, until| Cursor { done: Some(scan(from, until)), ..cursor() };
        let asked = hours(Some(500), None);
        let steps = plan(&[done(500, 1_001), with_left(500, 1_001), done(999, 1_001)], asked, LATEST + HOUR);
        assert_eq!(steps[0], Step::Done(scan(500, 1_001)));
        assert!(matches!(&steps[1], Step::Continue(scan) if scan.token.is_some()));
        assert_eq!(steps[2], Step::Begin(scan(500, 1_002)), "the schedule has read this one");
        let steps = plan(&[done(500, 1_001), done(500, 1_001)], asked, LATEST);
        assert_eq!(steps, [Step::Begin(scan(500, 1_001)), Step::Begin(scan(500, 1_001))], "it is a new request");
        let steps = plan(&[done(500, 1_001), with_left(999, 1_001)], Asked::default(), LATEST);
        assert_eq!(steps[0], Step::Begin(scan(999, 1_001)), "the schedule reads each list");
    }

    #[test]
    fn the_first_look_is_over_after_any_scan() {
        let mut new = Cursor::default();
        new.begin(10 * HOUR);
        assert!(new.is_first_look(&scan(10, 10)) && !new.is_first_look(&scan(5, 10)));
        new.finish(&scan(10, 10));
        assert!(!new.is_first_look(&scan(10, 11)));
    }
}
