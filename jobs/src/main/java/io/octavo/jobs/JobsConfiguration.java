package io.octavo.jobs;

import com.zaxxer.hikari.HikariDataSource;
import io.octavo.jobs.blob.CollectorProperties;
import io.octavo.jobs.blob.ObjectStore;
import io.octavo.jobs.blob.StorageProperties;
import io.octavo.jobs.outgoing.OutgoingProperties;
import io.octavo.jobs.queue.QueueProperties;
import io.octavo.jobs.secret.SecretProperties;
import io.octavo.jobs.source.FolderProperties;
import io.octavo.jobs.source.SourceProperties;
import java.time.Duration;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfigurationPackage;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.PropertySource;

/** What every application on this module imports: the database, object storage, and the services over them. */
@Configuration(proxyBeanMethods = false)
@AutoConfigurationPackage
@ComponentScan
@PropertySource("classpath:octavo-jobs.properties")
@EnableConfigurationProperties({
    CollectorProperties.class,
    DatabaseProperties.class,
    StorageProperties.class,
    QueueProperties.class,
    FolderProperties.class,
    SourceProperties.class,
    SecretProperties.class,
    OutgoingProperties.class
})
public class JobsConfiguration {

    private static final Duration CONNECTION_TIMEOUT = Duration.ofSeconds(10);

    @Bean
    DatabaseRoom databaseRoom(ObjectProvider<HikariDataSource> database) {
        return new DatabaseRoom(database::getObject);
    }

    @Bean
    HikariDataSource dataSource(DatabaseProperties properties, DatabaseRoom room) {
        HikariDataSource dataSource = new HikariDataSource();
        dataSource.setPoolName("octavo");
        dataSource.setJdbcUrl(properties.url());
        dataSource.setUsername(properties.username());
        dataSource.setPassword(properties.password());
        dataSource.setMaximumPoolSize(properties.poolSize());
        dataSource.setMinimumIdle(2);
        dataSource.setExceptionOverride(room);
        dataSource.setConnectionTimeout(CONNECTION_TIMEOUT.toMillis());
        dataSource.addDataSourceProperty(
                "socketTimeout", Long.toString(properties.answerTimeout().toSeconds()));
        dataSource.addDataSourceProperty("tcpKeepAlive", "true");
        dataSource.addDataSourceProperty(
                "options",
                "-c idle_in_transaction_session_timeout="
                        + properties.idleTransactionTimeout().toMillis());
        return dataSource;
    }

    @Bean
    ObjectStore objectStore(StorageProperties properties) {
        ObjectStore store = properties.open();
        store.ensureBucketSoon(properties.bucket());
        return store;
    }
}
