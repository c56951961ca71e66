//! A simulated device: a person with an engine, and its connections.

use std::collections::VecDeque;

use devices::person::Person;
use devices::server::Server;
use serde_json::{Value, json};
use uuid::Uuid;

/// One device of a user.
pub struct Device {
    pub person: Person,
    /// The request that is on its way, and its answer once the server has it.
    pub request: Option<(u64, Value, Option<Value>)>,
    /// Requests that arrive although they were given up, and answers that come although nobody waits for them.
    pub late_requests: Vec<Value>,
    pub late_answers: Vec<(u64, Value)>,
    /// Messages of the live connection that have not arrived yet.
    pub socket: Option<VecDeque<Value>>,
    /// Whether a message of this connection was lost, so that it may be incomplete without knowing it.
    pub is_leaky: bool,
}

impl Device {
    pub fn new(number: usize) -> Self {
        Self {
            person: Person::new(number, Uuid::nil()),
            request: None,
            late_requests: Vec::new(),
            late_answers: Vec::new(),
            socket: None,
            is_leaky: false,
        }
    }

    pub fn number(&self) -> usize {
        self.person.number
    }

    /// Sends the next request, if there is one. It has not arrived yet.
    pub fn ask(&mut self) {
        if self.request.is_none()
            && let Some(request) = self.person.engine.next_request()
        {
            let call = serde_json::to_value(&request.call).unwrap();
            self.request = Some((request.number, call, None));
        }
    }

    /// The request arrives.
    pub fn serve(&mut self, server: &mut Server) {
        if let Some((_, call, answer @ None)) = &mut self.request {
            *answer = Some(serve(self.person.number, server, call));
        }
    }

    /// The answer arrives.
    pub fn receive(&mut self) {
        match self.request.take() {
            Some((number, _, Some(answer))) => {
                self.person.answer(number, &answer);
                self.late_answers.push((number, answer));
            }
            waiting => self.request = waiting,
        }
    }

    /// The device gives up waiting. Request or answer may come later.
    pub fn lose(&mut self) {
        if let Some((number, call, answer)) = self.request.take() {
            match answer {
                Some(answer) => self.late_answers.push((number, answer)),
                None => self.late_requests.push(call),
            }
            self.person.answer(number, &json!("failed"));
        }
    }

    /// Something that was given up comes.
    pub fn late(&mut self, server: &mut Server, choice: usize) {
        if !self.late_requests.is_empty() {
            let call = self.late_requests.remove(choice % self.late_requests.len());
            serve(self.number(), server, &call);
        } else if !self.late_answers.is_empty() {
            let (number, answer) = self.late_answers[choice % self.late_answers.len()].clone();
            self.person.answer(number, &answer);
        }
    }

    pub fn connect(&mut self, server: &Server) {
        let messages = server.connect(self.person.engine.store().seq);
        self.socket = Some(messages.into());
        self.is_leaky = false;
    }

    pub fn disconnect(&mut self) {
        if self.socket.take().is_some() {
            self.person.engine.unplugged();
        }
    }

    /// The next live message arrives.
    pub fn hear(&mut self) -> bool {
        let Some(message) = self.socket.as_mut().and_then(VecDeque::pop_front) else {
            return false;
        };
        self.person.hear(message);
        true
    }

    /// The next live message is lost.
    pub fn miss(&mut self) {
        let lost = self.socket.as_mut().and_then(VecDeque::pop_front);
        self.is_leaky |= lost.is_some();
    }

    /// The program is killed and started again.
    pub fn restart(&mut self) {
        self.disconnect();
        if let Some((_, call, None)) = self.request.take() {
            self.late_requests.push(call);
        }
        // The numbers of requests begin anew.
        self.late_answers.clear();
        self.person.restart();
    }
}

fn serve(device: usize, server: &mut Server, call: &Value) -> Value {
    if let Some(operations) = call["push"]["operations"].as_array() {
        return json!({"results": server.push(device, operations)});
    }
    server.pull(call["pull"]["cursor"].as_str())
}
