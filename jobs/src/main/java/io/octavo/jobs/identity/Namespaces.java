package io.octavo.jobs.identity;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** In which namespaces a tenant may make repositories: those that the operator has granted to it. */
@Service
@Transactional
public class Namespaces {

    private final JdbcClient sql;

    Namespaces(JdbcClient sql) {
        this.sql = sql;
    }

    /** The built-in tenant has what nobody else has; others have what was granted to them. */
    @Transactional(readOnly = true)
    public boolean isOf(TenantId tenant, String namespace) {
        return sql.sql("select tenant = :tenant from namespace where name = :name")
                .param("tenant", tenant.value())
                .param("name", namespace)
                .query(Boolean.class)
                .optional()
                .orElse(tenant.equals(TenantId.BUILT_IN));
    }

    /** Does nothing where somebody has it. Who asks for the same one at the same time waits. */
    public void takeIfFree(TenantId tenant, String namespace) {
        sql.sql("insert into namespace (name, tenant) values (:name, :tenant) on conflict (name) do nothing")
                .param("tenant", tenant.value())
                .param("name", namespace)
                .update();
    }

    /** @throws ProblemException {@code namespace-taken} if another tenant has it */
    public void grant(TenantId tenant, String namespace) {
        takeIfFree(tenant, namespace);
        if (!isOf(tenant, namespace)) {
            throw new ProblemException(ProblemCode.NAMESPACE_TAKEN, "namespace " + namespace + " is another tenant's");
        }
    }

    /** @throws ProblemException {@code namespace-taken} while it holds repositories that are not collected yet */
    public void revoke(TenantId tenant, String namespace) {
        sql.sql("""
                        delete from namespace n where name = :name and tenant = :tenant
                            and not exists (select 1 from repository r where r.namespace = n.name)
                        """).param("tenant", tenant.value()).param("name", namespace).update();
        if (list(tenant).contains(namespace)) {
            throw new ProblemException(
                    ProblemCode.NAMESPACE_TAKEN,
                    "namespace " + namespace + " holds repositories; delete them, and wait until they are collected");
        }
    }

    @Transactional(readOnly = true)
    public List<String> list(TenantId tenant) {
        return sql.sql("select name from namespace where tenant = :tenant order by name")
                .param("tenant", tenant.value())
                .query(String.class)
                .list();
    }
}
