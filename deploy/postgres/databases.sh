#!/bin/sh
# Runs once, when the volume is new: a database for each service, with a role that sees no other.
set -eu

database() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
        --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        --set name="$1" --set password="$2" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke all on database :"name" from public;
SQL
}

database intake "$MEJORA_INTAKE_PASSWORD"
database diagnosis "$MEJORA_DIAGNOSIS_PASSWORD"
database problem "$MEJORA_PROBLEM_PASSWORD"
database improvement "$MEJORA_IMPROVEMENT_PASSWORD"
