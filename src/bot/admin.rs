//! `/kb …`: how admins grow the catalogue from the chat.
//!
//! Whoever gets here has been checked to be an admin, in `call.rs`.

use std::io::Write;
use std::sync::Arc;

use indexmap::IndexMap;

use super::call::Call;
use super::command::Kb as Command;
use super::error::KbError;
use super::kb::{Added, Draft, Edit, Page, PreparedPhoto};
use super::markup::{Block, Markup, Span};
use super::reply::{Reply, Upload};
use super::session::{Press, Session};
use crate::catalogue::import::Report;
use crate::catalogue::{Action, Change};

/// Products on a page of `/kb list`.
const PAGE: usize = 20;
/// Changes that `/kb log` shows.
const LOG: usize = 15;
/// Bad rows of an import that are named.
const FAILURES: usize = 10;
/// What a zip archive starts with (PKWARE APPNOTE, 4.3.7).
const ZIP: &[u8] = b"PK\x03\x04";

impl Call {
    /// Runs an admin's command.
    pub async fn administer(&self, command: Command) -> Result<(), KbError> {
        match command {
            Command::Add { id, title, description } => {
                self.add(Draft { id, title, description, attributes: None }).await?;
            }
            Command::Show(id) => {
                let product = self.kb().product(&id).await?;
                self.send(Reply::Product(product)).await;
            }
            Command::List(page) => {
                let found = self.kb().products((page - 1).saturating_mul(PAGE), PAGE).await?;
                self.list(&found, page).await;
            }
            Command::Find(words) => {
                let found = self.kb().find(&words, 0, PAGE).await?;
                self.list(&found, 1).await;
            }
            Command::Edit { id, fields } => self.edit(&id, fields).await?,
            Command::Remove(id) => self.ask_to_remove(&id).await?,
            Command::Stats => self.stats().await?,
            Command::Import => self.import().await?,
            Command::Export => {
                let path = Arc::new(self.kb().export().await?);
                self.send(Reply::File { name: "catalogue.zip".into(), path }).await;
            }
            Command::Undo => match self.kb().undo(self.author(), self.delivery()).await? {
                Some(change) => {
                    self.tell("kb-undone", &[("what", self.change(&change).into())]).await
                }
                None => self.tell("kb-nothing-to-undo", &[]).await,
            },
            Command::Log => {
                let changes = self.kb().log(0, LOG).await?;
                let lines = changes.iter().map(|c| Block::Item(vec![Span::plain(&self.change(c))]));
                let mut blocks = Markup::plain(&self.say("kb-log", &[])).0;
                blocks.extend(lines);
                self.send(Reply::Text(Markup(blocks))).await;
            }
            Command::Help => self.send(Reply::Text(self.kb_help())).await,
        }
        Ok(())
    }

    async fn add(&self, draft: Draft) -> Result<(), KbError> {
        let photos = self.photos().to_vec();
        let limit = self.engine().settings().bot.max_photos;
        if photos.len() > limit {
            return Err(KbError::TooManyPhotos { sent: photos.len(), limit });
        }
        self.send(Reply::Typing).await;
        let added = self.kb().add(self.author(), draft.clone(), photos, false).await?;
        let shared = self.bot().sessions.of(self.key());
        let mut session = shared.lock().await;
        self.tell_added(&mut session, draft, added).await;
        self.bot().sessions.keep(self.key(), &shared, &session);
        Ok(())
    }

    pub async fn add_prepared(
        &self,
        session: &mut Session,
        draft: Draft,
        photos: Vec<PreparedPhoto>,
        force: bool,
    ) -> Result<(), KbError> {
        let added = self.kb().add_prepared(self.author(), draft.clone(), photos, force).await?;
        self.tell_added(session, draft, added).await;
        Ok(())
    }

    async fn tell_added(&self, session: &mut Session, draft: Draft, added: Added) {
        match added {
            Added::Done { product, created, images, known } => {
                let key = if created { "kb-added" } else { "kb-images-added" };
                self.tell(
                    key,
                    &[
                        ("id", product.id.as_str().into()),
                        ("title", product.title.as_str().into()),
                        ("images", images.into()),
                        ("known", known.into()),
                    ],
                )
                .await;
            }
            Added::NearDuplicate { id, title, photos, .. } => {
                self.tell("kb-near-duplicate", &[("id", id.into()), ("title", title.into())]).await;
                let add = Press::AddAnyway(Arc::new((draft, photos)));
                let add = self.button(session, "button-add-anyway", add);
                let cancel = self.button(session, "button-cancel", Press::Cancel);
                self.send(Reply::Buttons(vec![add, cancel])).await;
            }
        }
    }

    async fn list(&self, page: &Page, number: usize) {
        if page.products.is_empty() {
            let key = if page.total == 0 { "kb-none" } else { "kb-no-such-page" };
            return self.tell(key, &[("page", number.into())]).await;
        }
        let pages = page.total.div_ceil(PAGE);
        let head = self.say(
            "kb-list",
            &[("total", page.total.into()), ("page", number.into()), ("pages", pages.into())],
        );
        let mut blocks = Markup::plain(&head).0;
        blocks.extend(
            page.products.iter().map(|p| {
                Block::Item(vec![Span::code(&p.id), Span::plain(&format!(" {}", p.title))])
            }),
        );
        self.send(Reply::Text(Markup(blocks))).await;
    }

    async fn edit(&self, id: &str, mut fields: IndexMap<String, String>) -> Result<(), KbError> {
        let title = fields.shift_remove("title");
        let description = fields.shift_remove("description");
        let set = fields.into_iter().collect();
        let edit = Edit { title, description, attributes: None, set };
        let product = self.kb().edit(self.author(), id, edit).await?;
        self.tell("kb-edited", &[("id", product.id.as_str().into())]).await;
        self.send(Reply::Product(product)).await;
        Ok(())
    }

    async fn ask_to_remove(&self, id: &str) -> Result<(), KbError> {
        let product = self.kb().product(id).await?;
        let shared = self.bot().sessions.of(self.key());
        let mut session = shared.lock().await;
        let values = [
            ("id", product.id.as_str().into()),
            ("title", product.title.as_str().into()),
            ("images", product.images.len().into()),
        ];
        self.tell("kb-remove-sure", &values).await;
        let remove = self.button(&mut session, "button-remove", Press::Remove(product.id.clone()));
        let cancel = self.button(&mut session, "button-cancel", Press::Cancel);
        self.send(Reply::Buttons(vec![remove, cancel])).await;
        Ok(())
    }

    pub async fn remove(&self, id: &str) -> Result<(), KbError> {
        let product = self.kb().remove(self.author(), id).await?;
        let values = [("id", product.id.as_str().into()), ("title", product.title.as_str().into())];
        self.tell("kb-removed", &values).await;
        Ok(())
    }

    async fn stats(&self) -> Result<(), KbError> {
        let stats = self.kb().stats().await?;
        let megabytes = format!("{:.1}", stats.bytes as f64 / 1e6);
        let values = [
            ("products", stats.products.into()),
            ("images", stats.images.into()),
            ("model", stats.model.into()),
            ("megabytes", megabytes.into()),
        ];
        self.tell("kb-stats", &values).await;
        Ok(())
    }

    async fn import(&self) -> Result<(), KbError> {
        let archive = self.photos().iter().find(|file| file.bytes.starts_with(ZIP)).cloned();
        let archive = archive.ok_or(KbError::NoArchive)?;
        self.send(Reply::Typing).await;
        let path = self.engine().compute(move || write(&archive)).await??;
        let report = self.kb().import(self.author(), path).await?;
        self.report(&report).await;
        Ok(())
    }

    pub async fn load_sample(&self) -> Result<(), KbError> {
        self.send(Reply::Typing).await;
        let report = self.kb().load_sample(self.author()).await?;
        self.report(&report).await;
        Ok(())
    }

    async fn report(&self, report: &Report) {
        let head = self.say(
            "kb-imported",
            &[
                ("added", report.added.into()),
                ("updated", report.updated.into()),
                ("unchanged", report.unchanged.into()),
                ("failed", report.failed.len().into()),
            ],
        );
        let mut blocks = Markup::plain(&head).0;
        blocks.extend(report.failed.iter().take(FAILURES).map(|f| {
            Block::Item(vec![Span::plain(&format!("{}: {}: {}", f.line, f.path, f.error))])
        }));
        self.send(Reply::Text(Markup(blocks))).await;
    }

    /// A line of the log.
    fn change(&self, change: &Change) -> String {
        let key = match change.action {
            Action::Added => "change-added",
            Action::ImagesAdded => "change-images",
            Action::Edited => "change-edited",
            Action::Removed => "change-removed",
            Action::Imported => "change-imported",
            Action::Undone => "change-undone",
        };
        let at = jiff::Timestamp::from_millisecond(change.at_ms as i64)
            .map(|t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
            .unwrap_or_default();
        let products = match change.products.as_slice() {
            [] => String::new(),
            few if few.len() == change.count && few.len() <= 3 => few.join(", "),
            [first, ..] => {
                let more = change.count.saturating_sub(1);
                self.say(
                    "change-and-more",
                    &[("first", first.as_str().into()), ("more", more.into())],
                )
            }
        };
        let said = self.say(
            key,
            &[
                ("at", at.into()),
                ("who", change.author.name.as_str().into()),
                ("products", products.into()),
                ("images", change.images.into()),
            ],
        );
        if change.undone { format!("{said} {}", self.say("change-taken-back", &[])) } else { said }
    }
}

fn write(archive: &Upload) -> Result<tempfile::TempPath, KbError> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&archive.bytes)?;
    Ok(file.into_temp_path())
}
