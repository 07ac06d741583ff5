-- How sure the least sure value of a result is, in millionths: lists show it, and have no result to look at. None when
-- nothing was found, and for jobs that ended before this was kept.
ALTER TABLE jobs ADD COLUMN lowest_confidence INTEGER;
