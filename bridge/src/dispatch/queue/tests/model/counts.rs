//! What happened in the histories of the model.

use std::ops::AddAssign;

/// What happened in histories, to see that the model reaches it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub effects: usize,
    pub rejected: usize,
    pub retried: usize,
    pub unanswered: usize,
    pub restarts: usize,
    pub hand_overs: usize,
    pub losses: usize,
    pub lanes_killed: usize,
    pub frames_lost: usize,
    pub redis_outages: usize,
    pub unwell: usize,
    pub later: usize,
    pub late: usize,
    pub shared: usize,
    pub hand_overs_lost: usize,
    pub letters_refused: usize,
}

impl Counts {
    pub fn all_happened(&self) -> bool {
        let counts = [
            self.effects,
            self.rejected,
            self.retried,
            self.unanswered,
            self.restarts,
            self.hand_overs,
            self.losses,
            self.lanes_killed,
            self.frames_lost,
            self.redis_outages,
            self.unwell,
            self.later,
            self.late,
            self.shared,
            self.hand_overs_lost,
            self.letters_refused,
        ];
        counts.iter().all(|count| *count > 50)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.effects += other.effects;
        self.rejected += other.rejected;
        self.retried += other.retried;
        self.unanswered += other.unanswered;
        self.restarts += other.restarts;
        self.hand_overs += other.hand_overs;
        self.losses += other.losses;
        self.lanes_killed += other.lanes_killed;
        self.frames_lost += other.frames_lost;
        self.redis_outages += other.redis_outages;
        self.unwell += other.unwell;
        self.later += other.later;
        self.late += other.late;
        self.shared += other.shared;
        self.hand_overs_lost += other.hand_overs_lost;
        self.letters_refused += other.letters_refused;
    }
}
