-- What a link's end leaves for attempts at linking that began before it, and whose each grant is.

ALTER TABLE attempts ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN ended_subjects TEXT NOT NULL DEFAULT '[]';

CREATE INDEX attempts_by_account ON attempts (account_id);

-- Google's subject. A column of this table, and not an index of `links`: grants change seldom, links often.
ALTER TABLE grants ADD COLUMN subject TEXT NOT NULL DEFAULT '';

UPDATE grants SET subject = (SELECT provider_subject FROM links WHERE links.id = grants.link_id)
WHERE link_id IN (SELECT id FROM links);

CREATE INDEX grants_by_subject ON grants (subject);
