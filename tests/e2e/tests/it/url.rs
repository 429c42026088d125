//! A `source.url` with and without the place where the API lies on its server.

use std::collections::BTreeSet;

use tidegate_simulators::pi::Config;

use crate::plant::Plant;
use crate::table;

#[tokio::test]
async fn a_url_that_names_only_the_server_gives_the_same_tables() {
    let plant = Plant::start(Config { tags: 5, days: 0.1, ..Config::default() });
    plant.run(0);
    let whole = plant.server.url();
    let server = whole.strip_suffix("/piwebapi").expect("the simulator answers below /piwebapi").to_owned();
    for (lake, url) in [("bare", server.clone()), ("slash", format!("{server}/"))] {
        let (url, sink) = (format!("source.url={url}"), format!("sink.location=./{lake}"));
        let ended = plant.tidegate(&["--set", &url, "--set", &sink, "run"]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        let lake = plant.folder.path().join(lake);
        assert_eq!(table::timeseries(&lake.join("bronze/pi_timeseries")).await, plant.rows().await);
        let points = table::strings(&lake.join("bronze/pi_points"), "tag_webid").await;
        let expected = table::strings(&plant.table("points"), "tag_webid").await;
        assert_eq!(points.iter().collect::<BTreeSet<_>>(), expected.iter().collect());
    }
    let elsewhere = plant.tidegate(&["--set", &format!("source.url={server}/elsewhere"), "plan"]);
    assert_ne!(elsewhere.code, 0, "a path stays as it is: {elsewhere:#?}");
}
