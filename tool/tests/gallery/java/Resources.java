import static org.springframework.beans.factory.support.BeanDefinitionBuilder.rootBeanDefinition;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.springframework.core.io.FileSystemResource;
import org.springframework.web.HttpRequestHandler;
import org.springframework.web.context.support.GenericWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;
import org.springframework.web.servlet.mvc.HttpRequestHandlerAdapter;
import org.springframework.web.servlet.resource.ResourceHttpRequestHandler;

/**
 * Serves a file by Spring MVC in Tomcat: its handler of resources does, or one that has Tomcat send the file.
 * Prints its port.
 */
public class Resources {
    public static void main(String[] arguments) throws Exception {
        File file = new File(arguments[1]);
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory(file.getParentFile().toPath(), "tomcat").toString());
        tomcat.setPort(0);
        tomcat.setSilent(true);
        Context context = tomcat.addContext("", file.getParent());
        Tomcat.addServlet(context, "spring", new DispatcherServlet(beans(file, arguments[0])));
        context.addServletMappingDecoded("/", "spring");
        tomcat.start();
        System.out.println(tomcat.getConnector().getLocalPort());
        tomcat.getServer().await();
    }

    private static GenericWebApplicationContext beans(File file, String mode) {
        GenericWebApplicationContext beans = new GenericWebApplicationContext();
        beans.registerBeanDefinition(
                "adapter", rootBeanDefinition(HttpRequestHandlerAdapter.class).getBeanDefinition());
        beans.registerBeanDefinition(
                "resources",
                rootBeanDefinition(ResourceHttpRequestHandler.class)
                        .addPropertyValue("locations", new FileSystemResource(file.getParent() + "/"))
                        .getBeanDefinition());
        beans.registerBeanDefinition(
                "sendfile",
                rootBeanDefinition(Sending.class).addConstructorArgValue(file).getBeanDefinition());
        beans.registerBeanDefinition(
                "mapping",
                rootBeanDefinition(SimpleUrlHandlerMapping.class)
                        .addPropertyValue("mappings", "/**=" + mode)
                        .getBeanDefinition());
        return beans;
    }

    /** Tells Tomcat which file to send. */
    public static final class Sending implements HttpRequestHandler {
        private final File file;

        public Sending(File file) {
            this.file = file;
        }

        @Override
        public void handleRequest(HttpServletRequest request, HttpServletResponse response)
                throws IOException {
            response.setContentLengthLong(file.length());
            request.setAttribute("org.apache.tomcat.sendfile.filename", file.getCanonicalPath());
            request.setAttribute("org.apache.tomcat.sendfile.start", 0L);
            request.setAttribute("org.apache.tomcat.sendfile.end", file.length());
        }
    }
}
