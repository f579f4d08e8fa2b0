package io.octavo.engine.request;

import java.util.Arrays;
import java.util.Optional;

/** How the range of a static input scale follows from what data showed. */
public enum InputObserver {
    /** The smallest and the largest number of all. */
    MINMAX("minmax"),
    /** Means over texts of each one's smallest and largest, later ones counting a hundredth. */
    MOVING_AVERAGE("moving-average"),
    /** Cuts off the largest ten-thousandth of magnitudes. */
    PERCENTILE("percentile"),
    /** Cuts off as much as makes the mean square of errors of 8-bit integers smallest; floats lose nothing by a wide range. */
    MSE("mse");

    private final String id;

    InputObserver(String id) {
        this.id = id;
    }

    /** As requests spell it. */
    public String id() {
        return id;
    }

    public static Optional<InputObserver> named(String id) {
        return Arrays.stream(values())
                .filter(observer -> observer.id.equals(id))
                .findFirst();
    }
}
