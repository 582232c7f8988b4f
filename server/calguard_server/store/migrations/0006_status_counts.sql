-- For the server's status: what is healthy is the rest, so that ordinary writes keep up none of these.
CREATE INDEX links_not_linked ON links (state) WHERE state <> 'LINKED';
CREATE INDEX pages_not_linked ON pages (phase) WHERE phase <> 'LINKED';
CREATE INDEX deliveries_dead ON deliveries (state) WHERE state = 'DEAD';
