//! A local Bot API server with `--local`, whose files are on the disk it shares with the bot.

use std::os::unix::fs::symlink;

use super::*;

const TROUBLE: &str = "could not get the file";

#[tokio::test]
async fn a_local_servers_files_are_read_from_their_directory_and_nowhere_else() {
    let disk = tempfile::tempdir().unwrap();
    let (files, outside) = (disk.path().join("files"), disk.path().join("files-not.png"));
    std::fs::create_dir(&files).unwrap();
    std::fs::write(&outside, png(2)).unwrap();
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2)], |settings| {
        settings.telegram.local_files = files.clone();
        settings.photo.max_bytes = 50_000;
    })
    .await;
    let (fake, user) = (&stage.fake, User::new(7));
    let ask = |place: &std::path::Path| {
        let message = user.writes(fake).photo(png(1)).caption("How heavy?");
        fake.place(&message, place.to_str().unwrap());
        message.send();
    };
    let within = files.join("1.png");
    std::fs::write(&within, png(2)).unwrap();
    ask(&within);
    fake.says(7, "2 kg").await;
    symlink(&within, files.join("kept.png")).unwrap();
    symlink(&outside, files.join("link.png")).unwrap();
    symlink(disk.path(), files.join("up")).unwrap();
    ask(&files.join("kept.png"));
    let said = |text: &'static str, times: usize| {
        fake.until(text, move |f| {
            let said = f.chat(7).iter().filter(|s| s.text.contains(text)).count();
            Some(()).filter(|()| said == times)
        })
    };
    said("2 kg", 2).await;
    let astray =
        [outside.clone(), files.join("../files-not.png"), files.join("link.png"), files.clone()];
    for (n, path) in astray.iter().chain([&files.join("up/files-not.png")]).enumerate() {
        ask(path);
        said(TROUBLE, n + 1).await;
    }
    ask(&files.join("gone.png"));
    fake.says(7, "no longer has that file").await;
    std::fs::write(files.join("large.png"), vec![0; 60_000]).unwrap();
    ask(&files.join("large.png"));
    fake.says(7, "too large").await;
    said("2 kg", 2).await;
    assert_eq!(fake.fetched(), [""; 0]);
    stage.end().await;
}

#[tokio::test]
async fn without_leave_no_file_is_read_from_the_disk() {
    let disk = tempfile::tempdir().unwrap();
    let stage = Stage::new(&[("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let path = disk.path().join("1.png");
    std::fs::write(&path, png(2)).unwrap();
    let message = user.writes(fake).photo(png(2)).caption("How heavy?");
    fake.place(&message, path.to_str().unwrap());
    message.send();
    fake.says(7, TROUBLE).await;
    assert_eq!(fake.fetched(), [""; 0]);
    stage.end().await;
}
