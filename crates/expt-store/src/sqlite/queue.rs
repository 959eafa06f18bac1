//! A bounded queue from futures to threads.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use parking_lot::{Condvar, Mutex};

/// Jobs wait here for a thread; a future that finds it full waits without holding up its executor.
#[derive(Debug)]
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    filled: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<J> {
    jobs: VecDeque<J>,
    closed: bool,
    /// Who waits for room.
    waiting: Vec<Waker>,
}

impl<J> Queue<J> {
    pub(super) const fn new(capacity: usize) -> Self {
        let state = State { jobs: VecDeque::new(), closed: false, waiting: Vec::new() };
        Self { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    /// Adds the job when there is room. A job that comes after the end is dropped, which its waiter sees.
    pub(super) async fn push(&self, job: J) {
        let mut job = Some(job);
        poll_fn(|context| {
            let mut state = self.state.lock();
            if !state.closed && state.jobs.len() >= self.capacity {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            if !state.closed {
                state.jobs.extend(job.take());
                self.filled.notify_one();
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Takes up to `most` jobs, waiting for the first. None means that the queue is closed and empty.
    pub(super) fn pop(&self, most: usize) -> Vec<J> {
        let mut state = self.state.lock();
        while state.jobs.is_empty() && !state.closed {
            self.filled.wait(&mut state);
        }
        let count = state.jobs.len().min(most);
        let jobs = state.jobs.drain(..count).collect();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        jobs
    }

    /// Takes no more jobs; what is queued is still done.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.filled.notify_all();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Closes, and drops what is queued: no thread is there to do it.
    pub(super) fn abandon(&self) {
        self.close();
        let jobs = std::mem::take(&mut self.state.lock().jobs);
        drop(jobs);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::blocking::wait;

    #[test]
    fn a_full_queue_holds_its_pushers_until_there_is_room() {
        let queue = Arc::new(Queue::new(2));
        let pusher = Arc::clone(&queue);
        let thread = std::thread::spawn(move || (0..100).for_each(|n| wait(pusher.push(n))));
        let mut seen = Vec::new();
        while seen.len() < 100 {
            let jobs = queue.pop(2);
            assert!(jobs.len() <= 2);
            seen.extend(jobs);
        }
        thread.join().unwrap();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        wait(queue.push(7));
        queue.close();
        wait(queue.push(8));
        assert_eq!((queue.pop(9), queue.pop(9)), (vec![7], vec![]));
    }
}
