-- PostgreSQL alone has limits that replicas share.
SELECT 1;
