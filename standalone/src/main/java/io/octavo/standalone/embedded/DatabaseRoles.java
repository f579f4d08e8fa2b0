package io.octavo.standalone.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Who may connect to the embedded PostgreSQL: its superuser, who only sets it up, and the owner of the service's database.
 * A superuser may run programs and read files as whoever runs the server, so the service is none.
 */
final class DatabaseRoles {

    static final String SUPERUSER = "postgres";
    static final String OWNER = "octavo";
    static final String DATABASE = "octavo";

    /** How the server asks for passwords. */
    static final String METHOD = "scram-sha-256";

    private static final Pattern TRUST = Pattern.compile("(?m)^\\s*(local|host).*\\strust\\s*$");

    // What releases before this one let the superuser create; nothing where the owner created everything.
    private static final String TAKE_OVER = """
            do $$
            declare command text;
            begin
              for command in
                select format('alter table %I.%I owner to octavo', schemaname, tablename)
                  from pg_tables where schemaname = 'public' and tableowner <> 'octavo'
                union all
                select format('alter view %I.%I owner to octavo', schemaname, viewname)
                  from pg_views where schemaname = 'public' and viewowner <> 'octavo'
                union all
                select format('alter routine %s owner to octavo', oid::regprocedure)
                  from pg_proc where pronamespace = 'public'::regnamespace and proowner <> 'octavo'::regrole
                union all
                select format('alter sequence %s owner to octavo', oid::regclass)
                  from pg_class s where relkind = 'S' and relnamespace = 'public'::regnamespace
                    and relowner <> 'octavo'::regrole
                    and not exists (select from pg_depend where objid = s.oid and deptype in ('a', 'i'))
              loop
                execute command;
              end loop;
            end $$
            """;

    private final SecretFile superuser;
    private final SecretFile owner;

    private DatabaseRoles(SecretFile superuser, SecretFile owner) {
        this.superuser = superuser;
        this.owner = owner;
    }

    /** @param folder keeps their passwords, which are drawn once */
    static DatabaseRoles in(Path folder) {
        return new DatabaseRoles(
                SecretFile.in(folder.resolve("superuser-password"), DatabaseRoles::draw),
                SecretFile.in(folder.resolve("password"), DatabaseRoles::draw));
    }

    /** Hexadecimal, so that it needs no quoting anywhere. */
    private static String draw() {
        byte[] drawn = new byte[24];
        new SecureRandom().nextBytes(drawn);
        return HexFormat.of().formatHex(drawn);
    }

    Path superuserPasswordFile() {
        return superuser.file();
    }

    String superuserPassword() {
        return superuser.secret();
    }

    String ownerPassword() {
        return owner.secret();
    }

    /** Makes a server that an earlier release set up, which trusted everybody, ask for passwords as well. */
    void requirePasswords(String url, Path data) throws SQLException, IOException {
        Path rules = data.resolve("pg_hba.conf");
        if (!TRUST.matcher(Files.readString(rules)).find()) {
            return;
        }
        try (Connection connection = asSuperuser(url);
                Statement statement = connection.createStatement()) {
            statement.execute("alter role " + SUPERUSER + " password '" + superuser.secret() + "'");
            Files.write(rules, List.of("host all all 127.0.0.1/32 " + METHOD));
            statement.execute("select pg_reload_conf()");
        }
    }

    /**
     * Makes the database and its owner, unless they are there.
     *
     * @param server the URL of any database that is there
     * @param database the URL of the one to make
     */
    void createDatabase(String server, String database) throws SQLException {
        try (Connection connection = asSuperuser(server);
                Statement statement = connection.createStatement()) {
            if (isEmpty(statement, "select 1 from pg_roles where rolname = '" + OWNER + "'")) {
                statement.execute("create role " + OWNER);
            }
            statement.execute("alter role " + OWNER
                    + " login nosuperuser nocreatedb nocreaterole noreplication password '" + owner.secret() + "'");
            if (isEmpty(statement, "select 1 from pg_database where datname = '" + DATABASE + "'")) {
                statement.execute("create database " + DATABASE);
            }
            statement.execute("alter database " + DATABASE + " owner to " + OWNER);
        }
        try (Connection connection = asSuperuser(database);
                Statement statement = connection.createStatement()) {
            statement.execute(TAKE_OVER);
        }
    }

    private static boolean isEmpty(Statement statement, String query) throws SQLException {
        try (ResultSet rows = statement.executeQuery(query)) {
            return !rows.next();
        }
    }

    private Connection asSuperuser(String url) throws SQLException {
        return DriverManager.getConnection(url, SUPERUSER, superuser.secret());
    }
}
