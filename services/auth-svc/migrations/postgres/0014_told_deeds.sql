-- What other services tell of is in the log once, by its id (docs/adr/0034-deeds-of-other-services.md).
CREATE INDEX audit_entries_by_id ON audit_entries (organization_id, id);
