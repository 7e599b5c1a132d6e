"""What bin/bench scans needs: traces as carriers tell them, their pushes as a provider sends them, and the checks."""
