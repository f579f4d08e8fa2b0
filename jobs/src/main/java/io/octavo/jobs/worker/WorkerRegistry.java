package io.octavo.jobs.worker;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.queue.QueueProperties;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.source.FolderProperties;
import io.octavo.jobs.spec.Requirements;
import io.octavo.jobs.spec.SchemeCatalog;
import io.octavo.jobs.spec.SchemeInfo;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.data.domain.Limit;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * Workers announce themselves here. What they can do is the service's {@link SchemeCatalog}, so that an api without an
 * engine knows it too.
 */
@Service
@Transactional
public class WorkerRegistry implements SchemeCatalog {

    private static final TypeReference<List<SchemeInfo>> SCHEMES = new TypeReference<>() {};
    private static final TypeReference<List<String>> TEXTS = new TypeReference<>() {};
    private static final TypeReference<Map<String, String>> LABELS = new TypeReference<>() {};
    private static final Limit LATEST = Limit.of(50);

    private final RegisteredWorkerRepository workers;
    private final JsonMapper json;
    private final QueueProperties properties;
    private final FolderProperties folders;

    WorkerRegistry(
            RegisteredWorkerRepository workers, JsonMapper json, QueueProperties properties, FolderProperties folders) {
        this.workers = workers;
        this.json = json;
        this.properties = properties;
        this.folders = folders;
    }

    /** @param exclusive no other worker of this name is alive, so earlier lives are forgotten */
    public void register(WorkerIdentity worker, WorkerDescription description, boolean exclusive) {
        workers.forgetOthers(worker.id(), worker.name(), exclusive);
        workers.insert(
                worker.id(),
                worker.name(),
                description.host(),
                description.device(),
                description.engineVersion(),
                json.writeValueAsString(description.schemes()),
                json.writeValueAsString(description.layouts()),
                description.offer().deviceKind(),
                description.offer().deviceMemoryBytes(),
                description.offer().computeCapability(),
                json.writeValueAsString(description.offer().labels()),
                description.disk().totalBytes(),
                description.disk().freeBytes(),
                json.writeValueAsString(folders.names()));
    }

    /** @param freeDiskBytes as {@link WorkerDisk#freeBytes} */
    public void seen(WorkerIdentity worker, long freeDiskBytes) {
        workers.touch(worker.id(), freeDiskBytes);
    }

    public void unregister(WorkerIdentity worker) {
        workers.delete(worker.id());
    }

    /** Latest started first; what each works on is told to the job's tenant alone. */
    @Transactional(readOnly = true)
    public List<WorkerRecord> list(TenantId tenant) {
        return workers.rows(tenant.value(), properties.workerTimeoutSeconds()).stream()
                .map(row -> new WorkerRecord(
                        row.id(),
                        row.name(),
                        row.host(),
                        row.device(),
                        new WorkerOffer(
                                row.deviceKind(),
                                row.deviceMemoryBytes(),
                                row.computeCapability(),
                                json.readValue(row.labels(), LABELS)),
                        disk(row),
                        row.engineVersion(),
                        row.alive(),
                        row.startedAt(),
                        row.lastSeenAt(),
                        row.jobId()))
                .toList();
    }

    private static @Nullable WorkerDisk disk(RegisteredWorkerRepository.Row row) {
        Long total = row.diskBytes();
        Long free = row.freeDiskBytes();
        return total == null || free == null ? null : new WorkerDisk(total, free);
    }

    /** What the disks of those workers hold that have what a job asks for. */
    @Transactional(readOnly = true)
    public DiskOutlook disks(Requirements asked) {
        RegisteredWorkerRepository.Disks disks = workers.disks(
                asked.deviceKind(),
                asked.deviceMemoryBytes(),
                asked.computeCapability(),
                asked.labelsJson().toString(),
                properties.workerTimeoutSeconds());
        return new DiskOutlook(Math.toIntExact(disks.workers()), disks.diskBytes(), disks.freeDiskBytes());
    }

    /**
     * Whether some worker that is alive reads files there; true where none is alive to tell.
     *
     * @param path absolute
     */
    @Transactional(readOnly = true)
    public boolean mayRead(String path) {
        List<String> told = workers.folders(properties.workerTimeoutSeconds());
        Path named = Path.of(path).normalize();
        return told.isEmpty()
                || told.stream()
                        .flatMap(names -> json.readValue(names, TEXTS).stream())
                        .anyMatch(named::startsWith);
    }

    @Override
    @Transactional(readOnly = true)
    public List<SchemeInfo> schemes() {
        Map<String, SchemeInfo> byName = new LinkedHashMap<>();
        for (RegisteredWorker worker : workers.latest(LATEST)) {
            json.readValue(worker.schemes(), SCHEMES).forEach(scheme -> byName.putIfAbsent(scheme.name(), scheme));
        }
        return List.copyOf(byName.values());
    }

    @Override
    @Transactional(readOnly = true)
    public List<String> layouts() {
        Set<String> layouts = new LinkedHashSet<>();
        workers.latest(LATEST).forEach(worker -> layouts.addAll(json.readValue(worker.layouts(), TEXTS)));
        return List.copyOf(layouts);
    }
}
