//! Which PI Data Archive is meant.

use tidegate_sdk::Fault;

use crate::{api::DataServer, listing::Whole, server::Server, settings::Settings};

/// Every data server that the Web API shows to this account.
pub(crate) async fn data_servers(server: &Server) -> Result<Vec<DataServer>, Fault> {
    let fields = "Items.WebId;Items.Name;Items.Path;Items.IsConnected;Items.ServerVersion;Items.ServerTime;\
                  WebException;Errors";
    let list: Whole<DataServer> = server.get("/dataservers", &[("selectedFields", fields)]).await?;
    Ok(list.items)
}

/// The one that the configuration names, or the only one.
pub(crate) fn chosen(settings: &Settings, servers: Vec<DataServer>) -> Result<DataServer, Fault> {
    let names: Vec<String> = servers.iter().map(|server| server.name.clone()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    match &settings.source.data_server {
        Some(wanted) => {
            let bare = wanted.trim_start_matches('\\');
            let is_wanted = |server: &DataServer| server.name.eq_ignore_ascii_case(bare) || server.web_id == *wanted;
            servers.into_iter().find(is_wanted).ok_or_else(|| {
                let text =
                    format!("source.data_server: no PI Data Archive {wanted} is shown to this account; shown: {names}");
                Fault::user("data-server", text)
            })
        }
        None => match <[DataServer; 1]>::try_from(servers) {
            Ok([only]) => Ok(only),
            Err(_) => Err(Fault::user(
                "data-server",
                format!("set source.data_server to one of the PI Data Archives of this Web API; shown: {names}"),
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(data_server: &str) -> Settings {
        serde_json::from_str(&format!(r#"{{"source":{{"url":"u"{data_server}}}}}"#)).unwrap()
    }

    fn servers(names: &[&str]) -> Vec<DataServer> {
        names.iter().map(|name| DataServer { name: (*name).into(), ..DataServer::default() }).collect()
    }

    #[test]
    fn the_only_data_server_needs_no_name_and_several_do() {
        assert_eq!(chosen(&settings(""), servers(&["A"])).unwrap().name, "A");
        let fault = chosen(&settings(""), servers(&["A", "B"])).unwrap_err();
        assert!(fault.message.contains("A, B"), "{}", fault.message);
        assert_eq!(chosen(&settings(""), servers(&[])).unwrap_err().code, "data-server");
    }

    #[test]
    fn a_name_is_found_without_regard_to_case_or_backslashes() {
        for written in [r#","data_server":"b""#, r#","data_server":"\\\\B""#] {
            assert_eq!(chosen(&settings(written), servers(&["A", "B"])).unwrap().name, "B");
        }
        assert!(chosen(&settings(r#","data_server":"C""#), servers(&["A"])).is_err());
    }
}
