// sterna(1), in the man macros of roff.
#include "runtime/commands/description.h"
#include "runtime/core/errors.h"
#include "runtime/core/version.h"

namespace sterna::commands {
namespace {

// A line of text, in which nothing is taken for a macro or an escape, and a hyphen is the character that a
// shell reads.
std::string escaped(const std::string& text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (char c : text) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string placeholder(const Flag& flag) {
  switch (flag.kind) {
    case ValueKind::kNothing:
      return "";
    case ValueKind::kNumber:
      return "NUMBER";
    case ValueKind::kChoice:
      return "VALUE";
    case ValueKind::kFile:
      return "PATH";
    case ValueKind::kText:
      return "TEXT";
  }
  return "";
}

std::string entry_for(const Flag& flag) {
  const std::string value = placeholder(flag);
  std::string text =
      cat(".TP\n\\fB", escaped(flag.name), "\\fR", value.empty() ? "" : cat(" \\fI", value, "\\fR"), "\n");
  text += escaped(flag.help) + "\n";
  if (flag.kind == ValueKind::kChoice) {
    text += cat(".br\nValues: ", escaped(joined(flag.choices, ", ")), ".\n");
  }
  if (!flag.default_value.empty()) text += cat(".br\nDefault: ", escaped(flag.default_value), ".\n");
  return text;
}

std::string section_for(const CommandDescription& command) {
  std::string text = cat(".SS sterna ", escaped(command.path), "\n", escaped(command.about), "\n");
  if (!command.operand.name.empty()) {
    text += cat(".TP\n\\fI", escaped(command.operand.name), "\\fR\n", escaped(command.operand.help), "\n");
  }
  for (const Flag& flag : command.flags) text += entry_for(flag);
  return text;
}

std::string synopsis() {
  std::string text = ".SH SYNOPSIS\n";
  for (const CommandDescription& command : commands_with_flags()) {
    const std::string operand =
        command.operand.name.empty() ? "" : cat("\\fI", escaped(command.operand.name), "\\fR ");
    text += cat(".B sterna ", escaped(command.path), "\n", operand, "[\\fIflag\\fR ...]\n.br\n");
  }
  return text + ".B mpirun \\-np\n.I ranks\n.B sterna train\n[\\fIflag\\fR ...]\n";
}

constexpr char kDescription[] = R"(.SH DESCRIPTION
Sterna trains a model on the data of L learners, which squeeze their gradients before they exchange them.
Learners are spread over the ranks that
.BR mpirun (1)
or
.B srun
starts; any number of ranks gives the same parameters, bit for bit.
Alone, it is one rank.
.PP
A flag that is given twice has its last value.
)";

constexpr char kEnd[] = R"(.SH "EXIT STATUS"
.TP
0
done
.TP
1
a fault while running: the network, another rank, bytes that nobody can have sent, an output that cannot be written;
.B experiment
had a run that failed,
.B doctor
found something amiss
.TP
2
the user's mistake; one line says what is legal and what to try
.TP
3
training diverged
.SH ENVIRONMENT
.TP
.B OMP_NUM_THREADS
Set it to 1 where several ranks share a machine: \fB\-\-threads\fR is what decides how many threads a rank computes on.
.SH EXAMPLES
.nf
sterna train \-\-model lenet \-\-data synthetic \-\-steps 20
mpirun \-np 2 sterna train \-\-data synthetic \-\-steps 20 \-\-compressor adacomp \-\-log\-dir logs
sterna list
.fi
.SH "SEE ALSO"
.BR mpirun (1)
)";

}  // namespace

std::string man_page(const std::string& date) {
  std::string text = cat(".TH STERNA 1 ", date, " \"sterna ", kVersion, "\" \"User Commands\"\n.SH NAME\n",
                         "sterna \\- data\\-parallel training with compressed gradients\n", synopsis(),
                         kDescription, ".SH COMMANDS\n");
  for (const CommandDescription& command : commands_with_flags()) text += section_for(command);
  return text + kEnd;
}

}  // namespace sterna::commands
