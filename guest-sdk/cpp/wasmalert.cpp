// What rules and notifiers share: descriptions, and how the library gives up.

#include "wasmalert.hpp"

#include <cstdarg>
#include <cstdio>

namespace wasmalert {

extern "C" wa_description wa_describe() {
    static const Description description = describe();
    static std::vector<const char *> queries;
    static std::vector<wa_field> extras;
    for (const std::string &query : description.queries) queries.push_back(query.c_str());
    for (const auto &[name, value] : description.extras) extras.push_back({name.c_str(), value.c_str()});
    queries.push_back(nullptr);
    extras.push_back({});
    return {description.name.c_str(), description.doc.c_str(), description.config_schema.c_str(), queries.data(),
            extras.data()};
}

} // namespace wasmalert

// The library's own would print where nobody reads.
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char *format, ...) noexcept {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    wa_panic_at("the C++ library", 0, "%s", message);
}
_LIBCPP_END_NAMESPACE_STD
