package io.octavo.jobs.identity;

import io.octavo.jobs.page.TimeCursor;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Rows of {@code api_key}. */
@Repository
class ApiKeyStore {

    private static final String COLUMNS =
            "id, tenant, name, prefix, scope, created_by, created_at, expires_at, revoked_at, last_used_at";

    private final JdbcClient sql;

    ApiKeyStore(JdbcClient sql) {
        this.sql = sql;
    }

    /** Does nothing where the prefix is taken. */
    boolean insert(
            UUID id,
            TenantId tenant,
            String name,
            KeyText text,
            Scope scope,
            @Nullable Instant expiresAt,
            String createdBy) {
        return sql.sql("""
                        insert into api_key (id, tenant, name, prefix, secret_sha256, scope, expires_at, created_by)
                        values (:id, :tenant, :name, :prefix, :secret, :scope, :expiresAt, :createdBy)
                        on conflict (prefix) do nothing
                        """)
                        .param("id", id)
                        .param("tenant", tenant.value())
                        .param("name", name)
                        .param("prefix", text.prefix())
                        .param("secret", text.secretSha256())
                        .param("scope", scope.slug())
                        .param("expiresAt", expiresAt == null ? null : expiresAt.atOffset(ZoneOffset.UTC))
                        .param("createdBy", createdBy)
                        .update()
                == 1;
    }

    /** Keys that can still be used. */
    Optional<StoredKey> findUsable(String prefix) {
        return sql.sql("select secret_sha256, " + COLUMNS + """
                        , (last_used_at is null or last_used_at < now() - interval '1 minute') as unmarked
                        from api_key
                        where prefix = :prefix and revoked_at is null and (expires_at is null or expires_at > now())
                        """)
                .param("prefix", prefix)
                .query((row, number) ->
                        new StoredKey(key(row), row.getBytes("secret_sha256"), row.getBoolean("unmarked")))
                .optional();
    }

    Optional<ApiKey> find(TenantId tenant, UUID id) {
        return sql.sql("select " + COLUMNS + " from api_key where tenant = :tenant and id = :id")
                .param("tenant", tenant.value())
                .param("id", id)
                .query((row, number) -> key(row))
                .optional();
    }

    List<ApiKey> page(TenantId tenant, TimeCursor before, int count) {
        return sql.sql("select " + COLUMNS + """
                         from api_key
                        where tenant = :tenant and (created_at, id) < (:at, :id)
                        order by created_at desc, id desc limit :count
                        """)
                .param("tenant", tenant.value())
                .param("at", before.at().atOffset(ZoneOffset.UTC))
                .param("id", before.id())
                .param("count", count)
                .query((row, number) -> key(row))
                .list();
    }

    boolean revoke(TenantId tenant, UUID id) {
        return sql.sql("""
                        update api_key set revoked_at = coalesce(revoked_at, now())
                        where tenant = :tenant and id = :id
                        """).param("tenant", tenant.value()).param("id", id).update() == 1;
    }

    /** Written once a minute at most, so that a busy key does not make a hot row. */
    void markUsed(UUID id) {
        sql.sql("""
                        update api_key set last_used_at = now()
                        where id = :id and (last_used_at is null or last_used_at < now() - interval '1 minute')
                        """).param("id", id).update();
    }

    private static ApiKey key(ResultSet row) throws SQLException {
        return new ApiKey(
                row.getObject("id", UUID.class),
                new TenantId(row.getObject("tenant", UUID.class)),
                row.getString("name"),
                row.getString("prefix"),
                Scope.parse(row.getString("scope")),
                row.getString("created_by"),
                row.getTimestamp("created_at").toInstant(),
                instant(row.getTimestamp("expires_at")),
                instant(row.getTimestamp("revoked_at")),
                instant(row.getTimestamp("last_used_at")));
    }

    private static @Nullable Instant instant(@Nullable Timestamp time) {
        return time == null ? null : time.toInstant();
    }

    /** @param unmarked whether its last use has not been written down for a minute */
    @SuppressWarnings("ArrayRecordComponent") // compared in constant time, never with equals
    record StoredKey(ApiKey key, byte[] secretSha256, boolean unmarked) {}
}
