package io.octavo.jobs.worker;

import io.octavo.jobs.spec.SchemeInfo;
import java.util.List;

/** What a worker says of itself when it starts; of its disk, as often as it is seen. */
public record WorkerDescription(
        String host,
        String device,
        WorkerOffer offer,
        WorkerDisk disk,
        String engineVersion,
        List<SchemeInfo> schemes,
        List<String> layouts) {

    /** A worker with a processor alone. */
    public WorkerDescription(
            String host, String device, String engineVersion, List<SchemeInfo> schemes, List<String> layouts) {
        this(host, device, WorkerOffer.CPU, WorkerDisk.UNLIMITED, engineVersion, schemes, layouts);
    }

    public WorkerDescription {
        schemes = List.copyOf(schemes);
        layouts = List.copyOf(layouts);
    }
}
