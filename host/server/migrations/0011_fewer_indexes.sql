-- Each row of evaluations changed a page of every index. The evaluations of a rule are few enough
-- to be sorted by id; what finds them by seq is kept, for the removal of old ones.
DROP INDEX evaluations_by_rule;
