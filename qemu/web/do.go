package web

import (
	"encoding/json"
	"net/http"
)

// A request is small: words, or what a person types or pastes.
const maxBody = 64 << 10

// read takes the JSON of a request; where it is none, it has been answered.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
		http.Error(w, "not a request: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// do does what the words say, as "lab VERB …" does.
func (p *page) do(w http.ResponseWriter, r *http.Request) {
	var words []string
	if !read(w, r, &words) {
		return
	}
	if err := p.driver.Do(words...); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// play begins the scenario named, or where none is ends the one that is played.
func (p *page) play(w http.ResponseWriter, r *http.Request) {
	var name string
	if !read(w, r, &name) {
		return
	}
	if name == "" {
		p.driver.EndPlay()
	} else if err := p.driver.Play(name); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
