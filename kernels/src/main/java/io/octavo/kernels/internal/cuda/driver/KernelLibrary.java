package io.octavo.kernels.internal.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import jcuda.driver.CUmodule;
import org.jspecify.annotations.Nullable;

/** The machine code that the build made of {@code src/main/cuda}: one module a file, loaded when first asked for. */
public final class KernelLibrary implements AutoCloseable {

    /** What fits a block of every device without being asked for, less what kernels have of their own. */
    private static final int FREE_SHARED_BYTES = 40 << 10;

    private final GpuDriver driver;
    private final Map<String, CUmodule> modules = new HashMap<>();
    private final Map<String, Kernel> kernels = new HashMap<>();

    public KernelLibrary(GpuDriver driver) {
        this.driver = driver;
    }

    /** @throws CudaUnavailableException if the build had no CUDA compiler */
    public static void requireBuilt() {
        try (InputStream image = image("add")) {
            if (image == null) {
                throw new CudaUnavailableException(
                        "this build has no CUDA kernels: nvcc was not there when it was made");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The kernel {@code name} of {@code file}.cu, whose parameter struct carries the file's name. */
    public Kernel kernel(String file, String name) {
        return kernel(file, name, 0);
    }

    /** @param sharedBytes dynamic shared memory that a block of it gets */
    public synchronized Kernel kernel(String file, String name, int sharedBytes) {
        return kernels.computeIfAbsent(name, wanted -> {
            CUmodule module = modules.computeIfAbsent(file, this::load);
            Handles.Function function = driver.function(module, wanted);
            if (sharedBytes > FREE_SHARED_BYTES) {
                driver.allowSharedBytes(function, sharedBytes);
            }
            var layout = new ParameterLayout(driver.readGlobal(module, file + "_parameters"));
            return new Kernel(wanted, function.address(), layout, sharedBytes);
        });
    }

    private CUmodule load(String file) {
        try (InputStream image = image(file)) {
            if (image == null) {
                throw new IllegalStateException("the build has no " + file + ".fatbin");
            }
            return driver.loadModule(image.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable InputStream image(String file) {
        return KernelLibrary.class.getResourceAsStream("/io/octavo/kernels/cuda/" + file + ".fatbin");
    }

    @Override
    public synchronized void close() {
        modules.values().forEach(driver::unloadModule);
        modules.clear();
        kernels.clear();
    }
}
