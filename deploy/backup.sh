#!/bin/sh
# Write a backup a day to /backups and drop those older than two weeks.
set -u
while :; do
    if python manage.py backup "/backups/$(date -u +%Y%m%d-%H%M%S)"; then
        find /backups -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} +
        pause=86400
    else
        echo "backup failed, trying again in ten minutes" >&2
        pause=600
    fi
    sleep "$pause"
done
