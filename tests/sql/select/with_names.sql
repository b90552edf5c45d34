WITH late AS (SELECT id, carrier FROM landing.flights WHERE delay > 30), named AS (SELECT late.id, c.name FROM late JOIN landing.carriers AS c USING (carrier)) SELECT named.name, named.id FROM named
