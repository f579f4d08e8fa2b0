package io.octavo.jobs.spec;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads what a job asks of the queue: {@code priority}, {@code requirements}, {@code timeout}, {@code phaseTimeout} and
 * {@code labels}.
 */
final class SchedulingFields {

    private static final int MAX_PRIORITY = 1000;
    private static final int MAX_LABELS = 16;
    private static final int MAX_LABEL = 64;
    private static final long MAX_MEMORY = 1L << 50;
    private static final Duration LONGEST = Duration.ofDays(30);
    private static final Pattern CAPABILITY = Pattern.compile("([1-9]\\d?)\\.(\\d)");

    private SchedulingFields() {}

    /** @param inherited priority and labels where the job says nothing else */
    static Scheduling read(Fields fields, Scheduling inherited) {
        Scheduling shared = readShared(fields, inherited);
        Requirements requirements = fields.object("requirements")
                .map(SchedulingFields::requirements)
                .orElse(Requirements.NONE);
        Timeouts timeouts = new Timeouts(
                fields.parsed("timeout", false, SchedulingFields::duration),
                fields.parsed("phaseTimeout", false, SchedulingFields::duration));
        return new Scheduling(shared.priority(), requirements, timeouts, shared.labels());
    }

    /** Priority and labels alone, which are all that a pipeline says for its steps. */
    static Scheduling readShared(Fields fields, Scheduling inherited) {
        int priority = fields.number("priority", inherited.priority(), -MAX_PRIORITY, MAX_PRIORITY);
        Map<String, String> labels = new TreeMap<>(inherited.labels());
        labels.putAll(fields.textMap("labels", MAX_LABELS, MAX_LABEL));
        if (labels.keySet().stream().anyMatch(name -> name.indexOf(':') >= 0)) {
            fields.error("labels", "must have names without ':', which ends a name in filters");
        }
        return new Scheduling(priority, Requirements.NONE, Timeouts.NONE, labels);
    }

    private static Requirements requirements(Fields fields) {
        String kind =
                fields.parsed("deviceKind", false, SchedulingFields::deviceKind).orElse("");
        long memory = fields.bytes("deviceMemoryBytes", MAX_MEMORY);
        int capability = fields.parsed("computeCapability", false, SchedulingFields::capability)
                .orElse(0);
        Map<String, String> labels = fields.textMap("labels", MAX_LABELS, MAX_LABEL);
        fields.rejectUnknown();
        return new Requirements(kind, memory, capability, labels);
    }

    private static String deviceKind(String text) {
        if (!text.equals(Devices.CUDA)) {
            throw new IllegalArgumentException("must be " + Devices.CUDA + ": " + text);
        }
        return text;
    }

    private static int capability(String text) {
        Matcher matcher = CAPABILITY.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("must be a compute capability such as 8.0 or 9.0: " + text);
        }
        return Integer.parseInt(matcher.group(1)) * 10 + Integer.parseInt(matcher.group(2));
    }

    private static Duration duration(String text) {
        try {
            Duration duration = Duration.parse(text);
            if (duration.compareTo(Duration.ofSeconds(1)) >= 0 && duration.compareTo(LONGEST) <= 0) {
                return duration;
            }
        } catch (DateTimeParseException e) {
            // the message below says what is allowed
        }
        throw new IllegalArgumentException("must be an ISO 8601 duration from PT1S to PT720H: " + text);
    }
}
