-- Nothing. SQLite belongs to one process, which forgets keys itself between commit and answer. This file
-- keeps the numbers of both engines equal.
SELECT 1;
