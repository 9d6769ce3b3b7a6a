//! Every sequence of choices, one after the other: a depth-first search without stored states. A schedule is run again from
//! its beginning for each of them.

/// The choices of one schedule: those of `script`, and then always the first.
#[derive(Debug, Default)]
pub struct Choices {
    script: Vec<usize>,
    /// What was chosen, of how many.
    made: Vec<(usize, usize)>,
}

impl Choices {
    /// Chooses one of so many.
    pub fn choose(&mut self, of: usize) -> usize {
        let choice = self.script.get(self.made.len()).copied().unwrap_or(0);
        assert!(choice < of, "a schedule took another course than before");
        self.made.push((choice, of));
        choice
    }

    /// The schedule after this one; `None` after the last.
    pub fn next(self) -> Option<Self> {
        let last = self.made.iter().rposition(|(choice, of)| choice + 1 < *of)?;
        let before = self.made[..last].iter().map(|(choice, _)| *choice);
        Some(Choices { script: before.chain([self.made[last].0 + 1]).collect(), made: Vec::new() })
    }
}
