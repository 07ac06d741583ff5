-- SQLite has no row-level security: its file belongs to one process. The statements carry organization and agent.
SELECT 1;
