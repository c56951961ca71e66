//! All users, their devices and their servers. It runs steps, and then lets all settle.

use std::collections::BTreeSet;

use devices::edits::Clock;
use devices::person::Person;
use devices::screen::Screen;
use devices::server::Server;
use devices::verdict;
use serde_json::Value;

use crate::device::Device;
use crate::steps::{Event, Step};

pub const USERS: usize = 2;
/// Devices of all users together.
pub const DEVICES: usize = 6;

/// All of it. Device `n` is of user `n % USERS`.
pub struct World {
    pub servers: Vec<Server>,
    pub devices: Vec<Device>,
}

/// Runs the steps in a new world.
///
/// # Errors
/// What went wrong.
pub fn run(steps: &[Step]) -> Result<(), String> {
    verdict::caught(|| {
        let mut world = World {
            servers: (0..USERS).map(|_| Server::default()).collect(),
            devices: (0..DEVICES).map(Device::new).collect(),
        };
        world.begin();
        steps.iter().for_each(|step| world.step(step));
        world.settle();
        world.judge();
    })
}

impl World {
    /// The first devices are new; the others have been in use, and are connected.
    fn begin(&mut self) {
        for device in self.devices.iter_mut().skip(USERS) {
            let server = &mut self.servers[device.number() % USERS];
            exchange(device, server);
            device.connect(server);
        }
    }

    fn step(&mut self, step: &Step) {
        let user = step.device % USERS;
        let (server, device) = (&mut self.servers[user], &mut self.devices[step.device]);
        match step.event {
            Event::Act(act) => device.person.act(act, step.choice.into(), &clock()),
            Event::Undo => device.person.undo(&clock()),
            Event::Ask => device.ask(),
            Event::Serve => device.serve(server),
            Event::Receive => device.receive(),
            Event::Lose => device.lose(),
            Event::Late => device.late(server, step.choice.into()),
            Event::Exchange => drop(exchange(device, server)),
            Event::Connect => {
                device.disconnect();
                device.connect(server);
            }
            Event::Disconnect => device.disconnect(),
            Event::Hear => drop(device.hear()),
            Event::Miss => device.miss(),
            Event::Restart => device.restart(),
            Event::Other => server.something_else(step.choice),
            Event::Expire => server.expire(),
        }
        self.publish();
    }

    /// Puts new messages on the open sockets.
    fn publish(&mut self) {
        for (user, server) in self.servers.iter_mut().enumerate() {
            for message in server.feed.fresh.drain(..) {
                let devices = self
                    .devices
                    .iter_mut()
                    .filter(|device| device.number() % USERS == user);
                devices
                    .filter_map(|device| device.socket.as_mut())
                    .for_each(|socket| socket.push_back(message.clone()));
            }
        }
    }

    /// All devices come back: what was given up arrives, live connections that have lost something are opened anew, and all that is due
    /// is done.
    fn settle(&mut self) {
        for device in &mut self.devices {
            let server = &mut self.servers[device.number() % USERS];
            device.lose();
            while !device.late_requests.is_empty() {
                device.late(server, 0);
            }
            // One device of each user only polls.
            if device.number() < USERS {
                device.disconnect();
                device.person.engine.refresh();
            } else if device.is_leaky || device.socket.is_none() {
                device.disconnect();
                device.connect(server);
            }
        }
        for round in 0.. {
            assert!(round < 100, "the devices never come to rest");
            self.publish();
            let mut moved = false;
            for device in &mut self.devices {
                let server = &mut self.servers[device.number() % USERS];
                while device.hear() {
                    moved = true;
                }
                moved |= exchange(device, server);
            }
            // Those that poll do it again when the others are done.
            if !moved && round > 0 {
                let polling = self
                    .devices
                    .iter_mut()
                    .filter(|device| device.number() < USERS);
                polling.for_each(|device| {
                    device.person.engine.refresh();
                    exchange(device, &mut self.servers[device.number() % USERS]);
                });
                break;
            }
        }
        for device in &self.devices {
            assert_eq!(
                device.person.screen,
                Screen::of(&device.person.engine),
                "the changes that were told are all"
            );
        }
    }

    fn judge(&self) {
        for (user, server) in self.servers.iter().enumerate() {
            let devices = self
                .devices
                .iter()
                .filter(|device| device.number() % USERS == user);
            let persons: Vec<&Person> = devices.map(|device| &device.person).collect();
            verdict::judge(&persons, server, &server.state());
            let next = server
                .tasks
                .values()
                .filter_map(|record| record.task.get("occurrence_of"))
                .map(Value::to_string);
            let next: Vec<String> = next.collect();
            let distinct: BTreeSet<&String> = next.iter().collect();
            assert_eq!(next.len(), distinct.len(), "an occurrence has one next one");
        }
    }
}

/// No time passes.
fn clock() -> Clock {
    Clock {
        now: "2026-03-01T09:00:00Z".to_owned(),
        soon: "2026-03-01T09:00:01Z".to_owned(),
    }
}

/// Does all that is due without trouble. Says whether there was something.
fn exchange(device: &mut Device, server: &mut Server) -> bool {
    for round in 0.. {
        assert!(round < 1_000, "requests never end");
        device.ask();
        if device.request.is_none() {
            return round > 0;
        }
        device.serve(server);
        device.receive();
    }
    false
}
