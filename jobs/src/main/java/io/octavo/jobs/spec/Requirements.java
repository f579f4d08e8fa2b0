package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.annotation.JsonSerialize;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a job asks of the worker that runs it.
 *
 * @param deviceKind {@code cuda}, or empty for any
 * @param deviceMemoryBytes free memory of the device, at least; 0 for any
 * @param computeCapability of the device, ten times its number (90 for 9.0), at least; 0 for any
 * @param labels that the worker carries, all of them
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
@JsonRootName("RequirementsRequest")
public record Requirements(
        @OneOf({"", Devices.CUDA}) String deviceKind,
        @Min(0) @Max(1L << 50) long deviceMemoryBytes,

        @JsonDeserialize(using = CapabilityText.Reader.class)
        @JsonSerialize(using = CapabilityText.Writer.class)
        @JsonPropertyDescription("such as 9.0")
        int computeCapability,

        @Size(max = 16) Map<@Size(max = 64) String, @NotNull @Size(max = 64) String> labels) {

    public static final Requirements NONE = new Requirements("", 0, 0, Map.of());

    private static final double GIGABYTE = 1e9;

    public Requirements {
        deviceKind = Objects.requireNonNullElse(deviceKind, "");
        labels = SpecJson.map(labels);
    }

    /** Leaves out of the JSON what asks for nothing. */
    static final class OmitNone {

        @Override
        public boolean equals(@Nullable Object other) {
            return NONE.equals(other);
        }

        @Override
        public int hashCode() {
            return NONE.hashCode();
        }
    }

    /** The same with a device of this kind, where none was named yet. */
    public Requirements onDevice(String kind) {
        return deviceKind.isEmpty() ? new Requirements(kind, deviceMemoryBytes, computeCapability, labels) : this;
    }

    /** In the order of their names, so that equal labels have equal text. */
    public ObjectNode labelsJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        new TreeMap<>(labels).forEach(json::put);
        return json;
    }

    /** Such as {@code a cuda device with 40 GB of free memory}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(deviceKind.isEmpty() ? "a device" : "a " + deviceKind + " device");
        String joint = " with ";
        if (deviceMemoryBytes > 0) {
            text.append(joint).append(gigabytes()).append(" GB of free memory");
            joint = " and ";
        }
        if (computeCapability > 0) {
            text.append(joint).append("compute capability ").append(CapabilityText.of(computeCapability));
            joint = " and ";
        }
        if (!labels.isEmpty()) {
            text.append(joint).append("labels ").append(new TreeMap<>(labels));
        }
        return text.toString();
    }

    private String gigabytes() {
        double value = deviceMemoryBytes / GIGABYTE;
        return value == Math.rint(value) ? Long.toString((long) value) : String.format("%.2f", value);
    }
}
