//! `magpie serve` with both platforms, of which each may fail by itself.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::support::Shop;
use super::telegram::{Fault as Trouble, TOKEN as TELEGRAM_TOKEN, Telegram, User};
use super::*;

/// The real binary, connected to both fakes, ended with the test.
pub struct Served {
    process: Child,
    url: String,
    shop: Shop,
    pub discord: Discord,
    pub telegram: Telegram,
}

impl Served {
    async fn new() -> Self {
        let shop = Shop::new();
        let command = shop.command(&["serve", "-v"]);
        Self::start(shop, command).await
    }

    /// With the sample catalogue and the embedded model.
    pub async fn with_sample() -> Self {
        let shop = Shop::new();
        let magpie = |args: &[&str]| {
            let mut command = support::magpie();
            command.args(args).args(["--json", "--data"]).arg(shop.data());
            command
        };
        let import = magpie(&["kb", "import"]).arg(support::repo("kb")).output().unwrap();
        assert!(import.status.success(), "{import:?}");
        let serve = magpie(&["serve", "-v"]);
        Self::start(shop, serve).await
    }

    async fn start(shop: Shop, mut serve: Command) -> Self {
        let (discord, telegram) = (Discord::new().await, Telegram::new().await);
        let log = std::fs::File::create(shop.path("log")).unwrap();
        let mut process = serve
            .env("MAGPIE__WEB__LISTEN", "127.0.0.1:0")
            .env("MAGPIE__BOT__USER_BURST", "100")
            .env("MAGPIE__DISCORD__CDN_HOSTS", discord.host())
            .env("MAGPIE__DISCORD__TOKEN", TOKEN)
            .env("MAGPIE__DISCORD__API_URL", discord.url())
            .env("MAGPIE__DISCORD__ADMINS", format!("{ADMIN}, 5003"))
            .env("MAGPIE__TELEGRAM__TOKEN", TELEGRAM_TOKEN)
            .env("MAGPIE__TELEGRAM__API_URL", &telegram.url)
            .env("MAGPIE__TELEGRAM__ADMINS", "1")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = serde_json::from_str::<Value>(&line).unwrap()["url"].as_str().unwrap().to_owned();
        discord.until("IDENTIFY", |d| (!d.identified().is_empty()).then_some(())).await;
        Self { process, url, shop, discord, telegram }
    }

    /// Waits for a line of the log.
    async fn logs(&self, words: &str) {
        let waiting = async {
            loop {
                let log = std::fs::read_to_string(self.shop.path("log")).unwrap();
                if log.contains(words) {
                    return log;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let log = tokio::time::timeout(PATIENCE, waiting).await.expect(words);
        assert!(!log.contains(TOKEN) && !log.contains("AAsesame"), "{log}");
    }

    async fn says_on_discord(&self, place: &str, words: &str) {
        let said = |d: &Discord| d.standing(place).iter().any(|w| said(w).contains(words));
        self.discord.until(words, |d| said(d).then_some(())).await;
    }

    /// A message of an admin's in a channel of its own.
    fn writes_on_discord(&self, words: &str) -> String {
        let place = self.discord.id().to_string();
        self.discord.message(ADMIN, &format!("<@{ME}> {words}"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
        });
        place
    }

    async fn is_healthy(&self) -> bool {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.get(format!("{}healthz", self.url)).send().await;
        response.is_ok_and(|r| r.status() == 200)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_whose_token_is_revoked_says_so_and_the_others_go_on() {
    let served = Served::new().await;
    let ada = User::new(1);
    // Lists of admins come from the environment.
    served.says_on_discord(&served.writes_on_discord("/kb stats"), "0 products").await;
    ada.writes(&served.telegram).text("/kb stats").send();
    served.telegram.says(1, "0 products").await;

    served.discord.close(4004);
    served.logs("Discord is off").await;
    ada.writes(&served.telegram).text("/help").send();
    served.telegram.says(1, "/similar").await;
    assert!(served.is_healthy().await);

    served.telegram.plan("getUpdates", &[Trouble::Refused(401, "Unauthorized")]);
    ada.writes(&served.telegram).text("/help").send();
    served.logs("Telegram is off").await;
    assert!(served.is_healthy().await);
}

/// `cargo test --release --test discord -- --ignored` takes some minutes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it cuts the network for two whole minutes"]
async fn a_minute_without_network_loses_and_doubles_nothing() {
    let served = Served::new().await;
    let (discord, telegram) = (served.discord.line().clone(), served.telegram.line.clone());
    served.says_on_discord(&served.writes_on_discord("/help"), "/similar").await;
    let downs = [(Line::cut as fn(&Line), "cut"), (Line::swallow, "swallowed")];
    for (n, (down, how)) in downs.into_iter().enumerate() {
        let user = User::new(70 + n as i64);
        down(&discord);
        down(&telegram);
        let place = served.writes_on_discord("/help");
        user.writes(&served.telegram).text("/help").send();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let back = std::time::Instant::now();
        discord.mend();
        telegram.mend();
        served.says_on_discord(&place, "/similar").await;
        let on_discord = back.elapsed();
        served.telegram.says(user.id, "/similar").await;
        println!("{how}: answered {on_discord:.1?} and {:.1?} after it was back", back.elapsed());
        let after = served.writes_on_discord("/help");
        served.says_on_discord(&after, "/similar").await;
        user.writes(&served.telegram).text("/forget").send();
        served.telegram.says(user.id, "forgotten").await;
        let standing = |place: &str| served.discord.standing(place).len();
        assert_eq!((standing(&place), served.telegram.chat(user.id).len()), (standing(&after), 2));
    }
    assert_eq!(served.discord.identified().len(), 1);
    assert_eq!(served.discord.complaints(), Vec::<String>::new());
    assert_eq!(served.telegram.faults(), [""; 0]);
}
