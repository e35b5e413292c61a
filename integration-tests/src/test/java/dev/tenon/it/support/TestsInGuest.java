package dev.tenon.it.support;

import dev.tenon.it.support.Guest.Ended;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.function.BiConsumer;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * The program that runs test classes in a {@link Guest} and says how each test ended. One that hangs fails after {@code
 * -Dtenon.test.limit}, and says where all threads are.
 */
final class TestsInGuest {
    private TestsInGuest() {}

    public static void main(String[] classes) {
        PrintStream out = System.out;
        // What tests print goes where it is only shown if one fails.
        System.setOut(System.err);
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(Arrays.stream(classes)
                        .map(DiscoverySelectors::selectClass)
                        .toList())
                .configurationParameter(
                        "junit.jupiter.execution.timeout.default", System.getProperty("tenon.test.limit", "20m"))
                .configurationParameter("junit.jupiter.execution.timeout.thread.mode.default", "SEPARATE_THREAD")
                .configurationParameter("junit.jupiter.execution.timeout.threaddump.enabled", "true")
                .build();
        Launcher launcher = LauncherFactory.create();
        TestPlan plan = launcher.discover(request);
        launcher.execute(plan, new Telling(plan, (name, ended) -> {
            out.print(ended.line(name));
            out.flush();
        }));
        out.print(Guest.LAST_LINE);
        out.flush();
        // What a test left running is no reason to go on.
        System.exit(0);
    }

    private record Telling(TestPlan plan, BiConsumer<String, Ended> told) implements TestExecutionListener {
        /** The class, the method and what it was given. */
        private String name(TestIdentifier test) {
            return plan.getParent(test)
                    .filter(parent -> plan.getParent(parent).isPresent())
                    .map(parent -> name(parent) + " " + test.getDisplayName())
                    .orElse(test.getDisplayName());
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            told.accept(name(test), new Ended(Guest.How.SKIPPED, reason));
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            switch (result.getStatus()) {
                case SUCCESSFUL -> {
                    if (test.isTest()) {
                        told.accept(name(test), new Ended(Guest.How.PASSED, ""));
                    }
                }
                case ABORTED ->
                    told.accept(
                            name(test),
                            new Ended(
                                    Guest.How.SKIPPED,
                                    result.getThrowable()
                                            .map(Throwable::getMessage)
                                            .orElse("no reason is given")));
                case FAILED ->
                    told.accept(
                            name(test),
                            new Ended(
                                    Guest.How.FAILED,
                                    result.getThrowable().map(Telling::trace).orElse("no reason is given")));
            }
        }

        private static String trace(Throwable thrown) {
            StringWriter text = new StringWriter();
            thrown.printStackTrace(new PrintWriter(text));
            return text.toString();
        }
    }
}
