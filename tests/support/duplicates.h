// Counts the duplicates of MPI_COMM_WORLD that are freed, of those made while this lives.
#pragma once

#include <mpi.h>

namespace sterna::test {

// An attribute of MPI_COMM_WORLD that duplicates inherit, and whose deletion MPI tells of.
class Duplicates {
 public:
  Duplicates() {
    MPI_Comm_create_keyval(MPI_COMM_DUP_FN, count, &key_, nullptr);
    MPI_Comm_set_attr(MPI_COMM_WORLD, key_, nullptr);
    deleted_ = 0;
  }
  ~Duplicates() {
    MPI_Comm_delete_attr(MPI_COMM_WORLD, key_);
    MPI_Comm_free_keyval(&key_);
  }
  Duplicates(const Duplicates&) = delete;
  Duplicates& operator=(const Duplicates&) = delete;

  [[nodiscard]] int freed() const { return deleted_; }

 private:
  static int count(MPI_Comm, int, void*, void*) {
    ++deleted_;
    return MPI_SUCCESS;
  }

  // Not a member: a duplicate that was never freed may tell of its end in MPI_Finalize.
  static inline int deleted_ = 0;
  int key_ = MPI_KEYVAL_INVALID;
};

}  // namespace sterna::test
