package io.octavo.jobs.upload;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.identity.TenantId;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Issues tickets. Whoever holds the secret of one has it, as often as needed until it expires. */
@Service
@Transactional
public class UploadTickets {

    /** Enough for the largest file over a slow line. */
    public static final Duration LIFE = Duration.ofHours(12);

    private static final int SECRET_BYTES = 32;

    private final JdbcClient sql;
    private final SecureRandom random = new SecureRandom();

    UploadTickets(JdbcClient sql) {
        this.sql = sql;
    }

    /** @return the secret, which nothing else holds */
    public String issue(UploadTicket ticket) {
        byte[] secret = new byte[SECRET_BYTES];
        random.nextBytes(secret);
        String text = Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
        sql.sql("delete from upload_ticket where expires_at < now()").update();
        sql.sql("""
                        insert into upload_ticket (secret_sha256, tenant, actor, sha256, size, expires_at)
                        values (:secret, :tenant, :actor, :sha256, :size, now() + make_interval(secs => :seconds))
                        """)
                .param("secret", Sha256.of(text))
                .param("tenant", ticket.tenant().value())
                .param("actor", ticket.actor())
                .param("sha256", ticket.blob().sha256())
                .param("size", ticket.blob().size())
                .param("seconds", LIFE.toSeconds())
                .update();
        return text;
    }

    @Transactional(readOnly = true)
    public Optional<UploadTicket> find(String secret) {
        return sql.sql("""
                        select u.tenant, u.actor, u.sha256, u.size from upload_ticket u
                        join tenant t on t.id = u.tenant and t.deleted_at is null
                        where u.secret_sha256 = :secret and u.expires_at > now()
                        """)
                .param("secret", Sha256.of(secret))
                .query((row, number) -> new UploadTicket(
                        new TenantId(row.getObject("tenant", UUID.class)),
                        row.getString("actor"),
                        new BlobId(row.getString("sha256"), row.getLong("size"))))
                .optional();
    }
}
