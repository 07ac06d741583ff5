//! Agents.

use super::*;

pub(super) async fn all(kept: &Kept) {
    what_is_kept_comes_back(kept).await;
    an_update_writes_the_name(kept).await;
    a_deleted_agent_takes_its_keys_along(kept).await;
    the_list_is_newest_first(kept).await;
    an_organization_sees_its_own_only(kept).await;
}

async fn insert(kept: &Kept, agent: &Agent) {
    kept.change(async |work| {
        work.insert_agent(agent).await?;
        Ok(((), Touched::nothing()))
    })
    .await;
}

async fn what_is_kept_comes_back(kept: &Kept) {
    let one = kept.organization("agents kept").await;
    let agent = Agent { mode: AgentMode::Test, name: "Zoë'; --".to_owned(), ..one.agent(10) };
    insert(kept, &agent).await;
    assert_eq!(kept.store.agent(&one.id, &agent.id).await.unwrap(), Some(agent));
    assert_eq!(kept.store.agent(&one.id, &AgentId::new("")).await.unwrap(), None);
}

async fn an_update_writes_the_name(kept: &Kept) {
    let one = kept.organization("agents update").await;
    let (changed, _) = kept
        .change(async |work| {
            let agent = work.lock_agent(&one.id, &one.agent.id).await?.unwrap();
            let agent = Agent { name: "New".to_owned(), updated_at: Timestamp(START.0 + 1), ..agent };
            work.update_agent(&agent).await?;
            Ok((agent, Touched::nothing()))
        })
        .await;
    assert_eq!(kept.store.agent(&one.id, &one.agent.id).await.unwrap(), Some(changed));
}

async fn a_deleted_agent_takes_its_keys_along(kept: &Kept) {
    let one = kept.organization("agents delete").await;
    let (key, other) = (one.insert_key(kept, 10).await, one.insert_key(kept, 11).await);
    let (_, touched) = kept.change(async |work| Ok(((), work.delete_agent(&one.agent).await?))).await;
    let mut names = touched;
    names.sort();
    assert_eq!(names, [key.api_key.clone(), other.api_key]);
    assert_eq!(kept.store.agent(&one.id, &one.agent.id).await.unwrap(), None);
    assert_eq!(kept.store.key_record(&key.api_key).await.unwrap(), None);
}

async fn the_list_is_newest_first(kept: &Kept) {
    let one = kept.organization("agents list").await;
    for number in [10, 11, 12] {
        insert(kept, &one.agent(number)).await;
    }
    let names = async |slice| -> Vec<String> {
        kept.store.agents(&one.id, &slice).await.unwrap().into_iter().map(|agent| agent.name).collect()
    };
    assert_eq!(names(before(None, 2)).await, ["Agent 12", "Agent 11"]);
    let eleven = id("agents list", 11);
    assert_eq!(names(before(Some(&eleven), 9)).await, ["Agent 10", "Support"]);
    assert_eq!(kept.store.count_agents(&one.id).await.unwrap(), 4);
}

async fn an_organization_sees_its_own_only(kept: &Kept) {
    let (one, other) = (kept.organization("agents one").await, kept.organization("agents other").await);
    assert_eq!(kept.store.agent(&other.id, &one.agent.id).await.unwrap(), None);
    assert_eq!(kept.store.agents(&other.id, &before(None, 9)).await.unwrap(), vec![other.agent.clone()]);
    assert_eq!(kept.store.count_agents(&other.id).await.unwrap(), 1);
    kept.change(async |work| {
        assert_eq!(work.lock_agent(&other.id, &one.agent.id).await?, None);
        let foreign =
            Agent { organization_id: other.id.clone(), name: "Taken".to_owned(), ..one.agent.clone() };
        work.update_agent(&foreign).await?;
        let touched = work.delete_agent(&foreign).await?;
        assert!(touched.is_nothing());
        Ok(((), touched))
    })
    .await;
    assert_eq!(kept.store.agent(&one.id, &one.agent.id).await.unwrap(), Some(one.agent));
}
