//! Who may change the catalogue, with which commands.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_admin_uses_kb_and_nobody_else_sees_it() {
    let stage = Stage::new().await;
    let (ids, photo) = (stage.ids().await, stage.photo(7));
    let id = || vec![option("id", 3, "lamp".into())];
    for (name, options, file) in [
        ("add", id(), Some(&photo)),
        ("show", id(), None),
        ("list", vec![], None),
        ("find", vec![option("words", 3, "lamp".into())], None),
        ("edit", id(), None),
        ("remove", id(), None),
        ("stats", vec![], None),
        ("import", vec![], Some(&photo)),
        ("export", vec![], None),
        ("undo", vec![], None),
        ("log", vec![], None),
        ("nonsense", vec![], None),
    ] {
        let token = stage.discord.command(USER, kb(name, options, file), |_| {});
        stage.says(&token, "Nothing was changed").await;
        assert!(stage.discord.at(&token)[0].ephemeral(), "{name}");
    }
    let auto = json!([{"name": "show", "type": 1, "options": [
        {"name": "id", "type": 3, "value": "la", "focused": true}]}]);
    let auto = json!({"id": "9", "name": "kb", "type": 1, "options": auto});
    let token = stage.discord.interaction(4, USER, auto.clone(), |_| {});
    let choices = |token: String| {
        let discord = stage.discord.clone();
        async move {
            let body = discord.until("choices", |d| d.at(&token).first().cloned()).await.body;
            body["data"]["choices"].clone()
        }
    };
    assert_eq!(choices(token).await, json!([]));
    for typed in ["la", "LAM", "The la"] {
        let mut auto = auto.clone();
        auto["options"][0]["options"][0]["value"] = typed.into();
        let token = stage.discord.interaction(4, USER, auto, manager);
        let lamp = json!([{"name": "lamp · The lamp", "value": "lamp"}]);
        assert_eq!(choices(token).await, lamp, "{typed}");
    }
    assert!(stage.discord.downloads().is_empty(), "nothing is fetched for a refusal");
    assert_eq!(stage.ids().await, ids);
    // By message as well: the guild's managers, a listed role, a listed user; in a direct message
    // only the listed user.
    for (user, role, admin) in
        [(USER, GUILD, false), (USER, MANAGERS, true), (USER, KEEPERS, true), (ADMIN, GUILD, true)]
    {
        let place = stage.discord.id().to_string();
        stage.discord.message(user, &format!("<@{ME}> /kb stats"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
            m["member"]["roles"] = json!([role.to_string()]);
        });
        stage.says(&place, if admin { "3 products" } else { "Only admins" }).await;
    }
    for (user, admin) in [(USER, false), (ADMIN, true)] {
        let place = stage.discord.id().to_string();
        stage.discord.message(user, "/kb stats", |m| {
            m["channel_id"] = place.as_str().into();
            m.as_object_mut().unwrap().remove("guild_id");
        });
        stage.says(&place, if admin { "3 products" } else { "Only admins" }).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_does_everything_with_kb() {
    let stage = Stage::new().await;
    let run = |name: &str, options: Vec<Value>, file: Option<&Value>| {
        stage.discord.command(USER, kb(name, options, file), manager)
    };
    let text = |name: &str, value: &str| option(name, 3, value.into());
    let photo = stage.photo(9);
    // Quotes and colons are just text.
    let words = "It said \"id:x\" title:y, he said.";
    let options = vec![text("description", words), text("title", "A \"vase\""), text("id", "vase")];
    let token = run("add", options, Some(&photo));
    let done = stage
        .discord
        .until("added or asked about", |d| {
            let standing = d.standing(&token);
            standing.iter().any(|w| !w.content().is_empty()).then_some(standing)
        })
        .await;
    if said(&done[0]).contains("nearly the same") {
        let press = button(&done, "Add anyway");
        let pressed = stage.discord.press(USER, &press, |e| {
            manager(e);
            e["message"]["flags"] = 64.into();
        });
        stage.says(&pressed, "Added vase").await;
        assert!(stage.discord.at(&pressed)[0].ephemeral());
    }
    let shown = run("show", vec![text("id", "vase")], None);
    let shown = stage.says(&shown, "A \"vase\"").await;
    assert!(said(&shown[0]).contains(words), "{shown:#?}");
    assert_eq!(shown[0].files.len(), 1);
    stage.says(&run("list", vec![option("page", 4, 1.into())], None), "4 products").await;
    stage.says(&run("find", vec![text("words", "weighs 2")], None), "kettle").await;
    let options = vec![text("id", "vase"), text("field", "Price"), text("value", "€5: \"net\"")];
    let edited = stage.says(&run("edit", options, None), "A \"vase\"").await;
    let fields = &edited.last().unwrap().body["embeds"][0]["fields"];
    assert_eq!(fields[0]["name"], "price");
    assert!(fields[0]["value"].as_str().unwrap().contains("€5: \"net\""));
    stage.says(&run("stats", vec![], None), "4 products").await;
    stage.says(&run("log", vec![], None), "User 5001: changed vase").await;
    stage.says(&run("undo", vec![], None), "Taken back").await;
    let asked = stage.says(&run("remove", vec![text("id", "vase")], None), "Remove vase").await;
    let press = button(&asked, "Remove it");
    let refused = stage.discord.press(6001, &press, |_| {});
    stage.says(&refused, "no longer works").await;
    let removing = stage.discord.press(USER, &press, manager);
    stage.says(&removing, "Removed vase").await;
    let marks = stage.marks(&removing);
    assert!(marks.len() == 2 && marks.iter().all(|m| m.off), "{marks:?}");
    assert!(marks[0].chosen && !marks[1].chosen, "{marks:?}");
    assert_eq!(stage.ids().await, ["chair", "kettle", "lamp"]);
    let exported = run("export", vec![], None);
    let file = stage
        .discord
        .until("the archive", |d| {
            d.standing(&exported).iter().find_map(|w| w.files.first().cloned())
        })
        .await;
    assert!(file.0 == "catalogue.zip" && file.1.starts_with(b"PK"));
    let archive = stage.discord.attachment("catalogue.zip", "application/zip", file.1);
    stage.says(&run("import", vec![], Some(&archive)), "unchanged").await;
    stage.says(&run("show", vec![text("id", "nothing")], None), "no product").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_everywhere_or_in_guilds() {
    let stage = Stage::new().await;
    let commands = stage.discord.commands();
    let everywhere = &commands["/applications/2000/commands"];
    let names: Vec<&str> =
        everywhere.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ask", "similar", "forget", "help", "kb", "Ask Magpie about this photo"]);
    assert_eq!(everywhere[4]["default_member_permissions"], "32");
    assert_eq!(everywhere[0]["name_localizations"]["de"], "frage");
    assert_eq!(everywhere[0]["options"][0]["name_localizations"]["de"], "frage");
    assert_eq!(everywhere[4]["options"][4]["name_localizations"]["de"], "ändern");
    assert_eq!(everywhere[5]["name_localizations"]["de"], "Magpie nach diesem Foto fragen");
    for locale in ["es-419", "es-ES", "fr", "it", "nl", "pl", "pt-BR"] {
        let what = |thing: &Value| thing["description_localizations"][locale].clone();
        let (command, option) = (&everywhere[0], &everywhere[0]["options"][0]);
        assert_ne!(what(command), command["description"], "{locale}");
        assert_ne!(what(option), option["description"], "{locale}");
    }
    let subs: Vec<&str> = everywhere[4]["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        subs,
        [
            "add", "show", "list", "find", "edit", "remove", "stats", "import", "export", "undo",
            "log"
        ]
    );
    stage.end().await;
    let stage = Stage::with(|s| s.discord.guilds = vec![GUILD]).await;
    let commands = stage.discord.commands();
    let mut paths: Vec<&String> = commands.keys().collect();
    paths.sort();
    // What stood everywhere before would stand here twice.
    assert_eq!(commands[paths[0]], json!([]));
    assert_eq!(paths, ["/applications/2000/commands", "/applications/2000/guilds/3000/commands"]);
    // A guild that is not listed has no say over the common catalogue.
    let foreign = stage.discord.command(USER, kb("stats", vec![], None), |e| {
        manager(e);
        e["guild_id"] = "3999".into();
    });
    stage.says(&foreign, "Only admins").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_that_refuses_the_commands_keeps_no_other_from_them() {
    let place = |guild: u64| format!("/applications/2000/guilds/{guild}/commands");
    let discord = Discord::new().await;
    discord.fault(Fault {
        method: "PUT",
        path: place(GUILD),
        times: 1,
        status: 403,
        headers: vec![],
        body: json!({"message": "Missing Access", "code": 50001}),
    });
    let stage = Stage::on(discord, |s| s.discord.guilds = vec![GUILD, 3999]).await;
    // Once the bot is in the guild, which the gateway says, it has them as well.
    let has = |d: &Discord, guild| d.commands().get(&place(guild)).cloned();
    stage.discord.until("both", |d| has(d, 3999).and(has(d, GUILD))).await;
    let noted = stage.bot.settings().catalogue.dir.join("discord-2000.json");
    let noted = std::fs::read(noted).unwrap();
    stage.end().await;

    // Those that are listed no more lose them, or they would have them twice.
    let stage = Stage::with(|s| {
        std::fs::create_dir_all(&s.catalogue.dir).unwrap();
        std::fs::write(s.catalogue.dir.join("discord-2000.json"), noted).unwrap();
    })
    .await;
    let commands = stage.discord.commands();
    for guild in [GUILD, 3999] {
        assert_eq!(commands.get(&place(guild)), Some(&json!([])));
    }
    assert!(commands["/applications/2000/commands"].as_array().is_some_and(|c| c.len() == 6));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn add_takes_as_many_photos_as_the_settings_allow() {
    let stage = Stage::with(|s| s.bot.max_photos = 6).await;
    let add = &stage.discord.commands()["/applications/2000/commands"][4]["options"][0]["options"];
    let options = add.as_array().unwrap().iter().filter(|o| o["type"] == 11);
    let photos: Vec<&str> = options.clone().map(|o| o["name"].as_str().unwrap()).collect();
    assert_eq!(photos, ["photo", "photo2", "photo3", "photo4", "photo5", "photo6"]);
    let german: Vec<&Value> = options.map(|o| &o["name_localizations"]["de"]).collect();
    assert_eq!(german[5], "foto6");
    let mut data = kb("add", vec![option("id", 3, "vase".into())], None);
    for (n, name) in photos.iter().enumerate() {
        let photo = stage.photo(20 + n as u32);
        let id = photo["id"].as_str().unwrap().to_owned();
        data["options"][0]["options"].as_array_mut().unwrap().push(option(
            name,
            11,
            id.as_str().into(),
        ));
        data["resolved"]["attachments"][&id] = photo;
    }
    let description = option("description", 3, "A vase.".into());
    data["options"][0]["options"].as_array_mut().unwrap().push(description);
    let token = stage.discord.command(USER, data, manager);
    let done = stage
        .discord
        .until("added or asked about", |d| {
            let standing = d.standing(&token);
            standing.iter().any(|w| !w.content().is_empty()).then_some(standing)
        })
        .await;
    if said(&done[0]).contains("nearly the same") {
        let pressed = stage.discord.press(USER, &button(&done, "Add anyway"), manager);
        stage.says(&pressed, "6 images").await;
    } else {
        assert!(said(&done[0]).contains("6 images"), "{done:#?}");
    }
    stage.end().await;
}
