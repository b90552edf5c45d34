SELECT F.ID, Carrier FROM LANDING.Flights F WHERE f.id = 1
