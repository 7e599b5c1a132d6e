-- The busy agent has read half of her tickets and has a bell with a past.
INSERT INTO tickets_read (ticket_id, staff_id, seq)
SELECT id, assignee_id, last_seq FROM tickets_ticket WHERE assignee_id = %(busy)s AND id %% 2 = 0
