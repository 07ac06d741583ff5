-- The column is there since 0010.
SELECT 1;
